import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrowserWindow, nativeTheme, screen } from 'electron';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';

const WindowState = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().min(640),
  height: z.number().int().min(480),
  maximized: z.boolean(),
});
type WindowState = z.infer<typeof WindowState>;

/** The remembered place, if enough of it is still on a screen. */
function readState(path: string): WindowState | undefined {
  try {
    const state = WindowState.parse(JSON.parse(readFileSync(path, 'utf8')));
    const visible = screen
      .getAllDisplays()
      .some(
        ({ workArea }) =>
          state.x + state.width > workArea.x + 80 &&
          state.x < workArea.x + workArea.width - 80 &&
          state.y >= workArea.y - 8 &&
          state.y < workArea.y + workArea.height - 40,
      );
    return visible ? state : undefined;
  } catch {
    return undefined;
  }
}

export interface WindowOptions {
  readonly dataFolder: string;
  readonly preload: string;
  readonly url: string;
}

/** Opens the console's window where it last was. */
export function openWindow({ dataFolder, preload, url }: WindowOptions): BrowserWindow {
  const path = join(dataFolder, 'window.json');
  const state = readState(path);
  const window = new BrowserWindow({
    ...(state
      ? { x: state.x, y: state.y, width: state.width, height: state.height }
      : { width: 1280, height: 820 }),
    minWidth: 900,
    minHeight: 600,
    show: false,
    title: 'OSSEA Migrate',
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#1a1b1e' : '#ffffff',
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
    },
  });
  if (state?.maximized) window.maximize();
  window.once('ready-to-show', () => window.show());

  let timer: NodeJS.Timeout | undefined;
  const remember = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (window.isDestroyed() || window.isMinimized()) return;
      const now: WindowState = { ...window.getNormalBounds(), maximized: window.isMaximized() };
      // A lost window position is not worth a word.
      writeFileAtomic(path, JSON.stringify(now)).catch(() => undefined);
    }, 500);
  };
  window.on('resize', remember).on('move', remember).on('maximize', remember).on('unmaximize', remember);
  void window.loadURL(url);
  return window;
}
