import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright';
import { expect } from 'playwright/test';
import { type Keyring, missingForKeyring, startKeyring } from '../../lab/keyring/keyring.ts';
import { type Display, displayMissing, startDisplay } from './display.ts';

const root = join(import.meta.dirname, '..', '..', '..');
/** The app's folder, as `npm run build:console` fills it. */
export const appFolder = join(root, 'dist');

/** Electron's program: where `ELECTRON_OVERRIDE_DIST_PATH` says, where CI puts it, or where npm installed it. */
export const electronProgram = [
  process.env.ELECTRON_OVERRIDE_DIST_PATH,
  join(root, '.cache', 'electron'),
  join(root, 'node_modules', 'electron', 'dist'),
]
  .map((folder) => folder && join(folder, 'electron'))
  .find((program) => program && existsSync(program));

/** What these tests lack here, in words; undefined where they can run. */
export const consoleTestsLack = (() => {
  const lacking = [
    electronProgram ? undefined : 'an Electron (ELECTRON_OVERRIDE_DIST_PATH)',
    existsSync(join(appFolder, 'package.json')) ? undefined : 'the bundles (npm run build:console)',
    displayMissing,
    ...missingForKeyring(),
  ].filter((each) => each !== undefined);
  return lacking.length === 0 ? undefined : lacking.join(', ');
})();

/** Where consoles run: a display, a keyring and a home that go away with it. */
export interface Desk extends AsyncDisposable {
  readonly keyring: Keyring;
  readonly home: string;
  /** The console's own folder: profiles, settings, cache, logs. */
  readonly dataFolder: string;
  /** The environment of a console of this desk. */
  readonly environment: Record<string, string>;
  /** Starts the console, with further arguments such as a deep link. */
  launch(options?: LaunchOptions): Promise<ConsoleApp>;
  /** Starts the program beside a console that runs, as a double click or the desktop's handler of links does; the exit code. */
  startBeside(options?: LaunchOptions): Promise<number | null>;
}

export interface LaunchOptions {
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Another folder than the desk's, for a console of somebody else. */
  readonly dataFolder?: string;
}

/** A running console. */
export interface ConsoleApp extends AsyncDisposable {
  readonly electron: ElectronApplication;
  readonly page: Page;
  /**
   * Runs a function in the main process. It must do no harm a second time: V8's inspector holds the promise that Playwright waits for
   * weakly, and where it was collected before it was told, the function is run again.
   */
  readonly inMain: ElectronApplication['evaluate'];
  /** What went to the page's console as an error. */
  readonly errors: readonly string[];
  /** What the system's dialogs answer from now on to who asks where to save, or what to open: the one thing that no test can click. */
  answerFileDialogs(path: string): Promise<void>;
  /** Ends it as a person would, without being asked. */
  quit(): Promise<void>;
}

export interface DeskOptions {
  readonly width?: number;
  readonly height?: number;
  /** As after an installation: with the first run still to come. */
  readonly fresh?: boolean;
}

/** Of what waits for a page: what is there is seen at once, also where other work has the machine. */
export const patienceMs = 45_000;
/** Playwright's expectations of a page, with the same patience. */
export const expectPage = expect.configure({ timeout: patienceMs });

const triesInMain = 5;

function inMainOf(electron: ElectronApplication): ElectronApplication['evaluate'] {
  const run = async (act: Parameters<ElectronApplication['evaluate']>[0], argument?: unknown) => {
    for (let left = triesInMain; ; left--) {
      try {
        return await electron.evaluate(act, argument);
      } catch (error) {
        if (left === 0 || !String(error).includes('promise was garbage collected')) throw error;
      }
    }
  };
  return run as ElectronApplication['evaluate'];
}

/** @throws Error where a program is missing */
export async function startDesk({ width, height, fresh = false }: DeskOptions = {}): Promise<Desk> {
  await using undo = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'ossea-desk-'));
  undo.defer(() => rm(home, { recursive: true, force: true }));
  const display: Display = undo.use(await startDisplay(width, height));
  const keyring = undo.use(await startKeyring());
  const ownData = join(home, 'console');
  await mkdir(ownData, { mode: 0o700 });
  if (!fresh) await writeFile(join(ownData, 'settings.json'), JSON.stringify({ firstRunDone: true }));
  const running = new Set<ConsoleApp>();
  undo.defer(async () => {
    for (const each of running) await each[Symbol.asyncDispose]();
  });
  const owner = undo.move();

  // Root may use no sandbox of the operating system, and a virtual display has no GPU.
  const argumentsOf = (options: LaunchOptions) => [
    '--no-sandbox',
    '--disable-gpu',
    appFolder,
    ...(options.arguments ?? []),
  ];
  const environmentOf = (options: LaunchOptions) => ({
    PATH: process.env.PATH ?? '',
    ...keyring.environment,
    HOME: home,
    DISPLAY: display.name,
    OSSEA_CONSOLE_DATA: options.dataFolder ?? ownData,
    OSSEA_QUIT_WITHOUT_ASKING: '1',
    ...options.environment,
  });

  async function launch(options: LaunchOptions = {}): Promise<ConsoleApp> {
    const electron = await _electron.launch({
      executablePath: electronProgram ?? '',
      args: argumentsOf(options),
      env: environmentOf(options),
    });
    const page = await electron.firstWindow();
    page.setDefaultTimeout(patienceMs);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    const app: ConsoleApp = {
      electron,
      page,
      inMain: inMainOf(electron),
      errors,
      answerFileDialogs: (path) =>
        app.inMain(({ dialog }, chosen) => {
          dialog.showSaveDialog = async () => ({ canceled: false, filePath: chosen });
          dialog.showOpenDialog = async () => ({ canceled: false, filePaths: [chosen] });
        }, path),
      quit: () => electron.close(),
      async [Symbol.asyncDispose]() {
        running.delete(app);
        await electron.close().catch(() => undefined);
      },
    };
    running.add(app);
    return app;
  }

  async function startBeside(options: LaunchOptions = {}): Promise<number | null> {
    const child = spawn(electronProgram ?? '', argumentsOf(options), {
      env: environmentOf(options),
      stdio: 'ignore',
    });
    await once(child, 'exit');
    return child.exitCode;
  }

  return {
    keyring,
    home,
    dataFolder: ownData,
    environment: environmentOf({}),
    launch,
    startBeside,
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}
