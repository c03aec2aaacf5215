import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { Settings, SettingsChange } from '../ipc/contract.ts';

const defaults: Settings = {
  theme: 'system',
  notifyFinished: true,
  notifyAttention: true,
  keepAwake: false,
  closeToTray: false,
  checkForUpdates: true,
  firstRunDone: false,
  skippedSteps: [],
  views: {},
};

/** What the user chose, in one JSON file. Damaged parts fall back to the defaults: nothing in it is precious. */
export class SettingsStore {
  readonly #path: string;
  readonly #onChange: (settings: Settings) => void;
  #settings: Settings;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, settings: Settings, onChange: (settings: Settings) => void) {
    this.#path = path;
    this.#settings = settings;
    this.#onChange = onChange;
  }

  static async open(path: string, onChange: (settings: Settings) => void): Promise<SettingsStore> {
    let stored: unknown = {};
    try {
      stored = JSON.parse(await readFile(path, 'utf8'));
    } catch {
      // Absent or damaged: the defaults.
    }
    const parsed = SettingsChange.safeParse(stored);
    return new SettingsStore(path, Settings.parse({ ...defaults, ...parsed.data }), onChange);
  }

  get(): Settings {
    return this.#settings;
  }

  async update(change: SettingsChange): Promise<Settings> {
    this.#settings = Settings.parse({ ...this.#settings, ...change });
    const write = this.#writing.then(() =>
      writeFileAtomic(this.#path, `${JSON.stringify(this.#settings, null, 2)}\n`, { mode: 0o600 }),
    );
    this.#writing = write.catch(() => undefined);
    await write;
    this.#onChange(this.#settings);
    return this.#settings;
  }
}
