import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrowserWindow, nativeTheme, screen } from 'electron';
import writeFileAtomic from 'write-file-atomic';
import type { EventPayload, Settings } from '../ipc/contract.ts';

interface WindowState {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly maximized: boolean;
}

/** A JSON file's members; none where it is absent or damaged. By hand, as the schemas are not loaded before the window is there. */
function readMembers(path: string): Partial<Record<string, unknown>> {
  try {
    return Object(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return {};
  }
}

/** The theme of the settings, for the first paint. */
export function rememberedTheme(dataFolder: string): Settings['theme'] {
  const { theme } = readMembers(join(dataFolder, 'settings.json'));
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** Where the console begins, told by the settings as the page would by asking for them: the first run comes before all else. */
export function rememberedStart(dataFolder: string): string {
  return readMembers(join(dataFolder, 'settings.json')).firstRunDone === true ? '/overview' : '/welcome';
}

/** The remembered place, if enough of it is still on a screen. */
function readState(path: string): WindowState | undefined {
  const { x, y, width, height, maximized } = readMembers(path);
  const isWhole = (value: unknown): value is number => Number.isInteger(value);
  if (!isWhole(x) || !isWhole(y) || !isWhole(width) || !isWhole(height)) return undefined;
  if (width < 640 || height < 480) return undefined;
  const isVisible = screen
    .getAllDisplays()
    .some(
      ({ workArea }) =>
        x + width > workArea.x + 80 &&
        x < workArea.x + workArea.width - 80 &&
        y >= workArea.y - 8 &&
        y < workArea.y + workArea.height - 40,
    );
  return isVisible ? { x, y, width, height, maximized: maximized === true } : undefined;
}

export interface WindowOptions {
  readonly dataFolder: string;
  readonly preload: string;
  /** Where the page comes from, such as `app://console`. */
  readonly origin: string;
}

/** The console's one window: opened where it last was, brought to the front, sent to a screen. */
export class ConsoleWindow {
  readonly #options: WindowOptions;
  #window: BrowserWindow | undefined;
  /** Asked when a person closes the window: true hides it instead. */
  keepOnClose: () => boolean = () => false;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** Undefined while it is closed. */
  get current(): BrowserWindow | undefined {
    return this.#window;
  }

  /** Opens it at a screen. */
  open(path: string): void {
    const window = createWindow(this.#options, path);
    window.on('close', (event) => {
      if (!this.keepOnClose()) return;
      event.preventDefault();
      window.hide();
    });
    window.once('closed', () => {
      this.#window = undefined;
    });
    this.#window = window;
  }

  /** Brings it to the front, at a screen if one is named. */
  show(path?: string): void {
    const window = this.#window;
    if (!window) {
      this.open(path ?? '/');
      return;
    }
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
    if (path === undefined) return;
    const payload: EventPayload<'navigate'> = { path };
    window.webContents.send('ossea:event', 'navigate', payload);
  }
}

function createWindow({ dataFolder, preload, origin }: WindowOptions, path: string): BrowserWindow {
  const stateFile = join(dataFolder, 'window.json');
  const state = readState(stateFile);
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
      writeFileAtomic(stateFile, JSON.stringify(now)).catch(() => undefined);
    }, 500);
  };
  window.on('resize', remember).on('move', remember).on('maximize', remember).on('unmaximize', remember);
  void window.loadURL(origin + path);
  return window;
}
