import { Menu, nativeImage, Tray } from 'electron';

export interface TrayActions {
  readonly open: () => void;
  readonly quit: () => void;
}

/** The icon beside the clock: what runs, and a way back to the window. */
export class ConsoleTray {
  readonly #tray: Tray;
  readonly #actions: TrayActions;

  constructor(iconPath: string, actions: TrayActions) {
    this.#tray = new Tray(nativeImage.createFromPath(iconPath).resize({ width: 18, height: 18 }));
    this.#actions = actions;
    this.#tray.on('click', actions.open);
    this.update(0, 0);
  }

  update(running: number, failed: number): void {
    const words = [
      running === 0 ? 'Nothing runs' : running === 1 ? '1 job runs' : `${running} jobs run`,
      ...(failed > 0 ? [failed === 1 ? '1 job failed' : `${failed} jobs failed`] : []),
    ].join(', ');
    this.#tray.setToolTip(`OSSEA Migrate: ${words}`);
    this.#tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: words, enabled: false },
        { type: 'separator' },
        { label: 'Open OSSEA Migrate', click: this.#actions.open },
        { label: 'Quit', click: this.#actions.quit },
      ]),
    );
  }

  destroy(): void {
    this.#tray.destroy();
  }
}
