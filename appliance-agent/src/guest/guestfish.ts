import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { OsseaError } from '../contract/index.ts';
import { toolError } from './toolError.ts';
import { ToolProcess } from './toolProcess.ts';

/** A command of guestfish that failed; the session goes on. `message` is libguestfs' own. */
export class GuestfishError extends Error {
  override readonly name = 'GuestfishError';
}

export interface GuestfishOptions {
  /** Default: `guestfish` on the PATH. */
  readonly guestfish?: string | undefined;
  /** Block devices or raw files; in the session they are `/dev/sda`, `/dev/sdb` and so on. */
  readonly disks: readonly string[];
  /** Nothing reaches the disks: what the session writes is kept aside and thrown away. */
  readonly readOnly: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A folder for what is carried in and out. */
  readonly workDir: string;
  /** The VM's name, for errors. */
  readonly label: string;
  /** Ends the session. */
  readonly signal: AbortSignal;
  readonly onLog: (line: string) => void;
}

interface Waiting {
  readonly marker: string;
  readonly lines: string[];
  /** Whether a failure is worth a line of the log. */
  readonly telling: boolean;
  readonly resolve: (lines: string[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A session of libguestfs over all disks of a guest: a small Linux in a VM of its own that reads and writes the guest's file systems, so
 * that nothing of an unknown guest is mounted by the appliance's kernel.
 */
export class Guestfish implements AsyncDisposable {
  readonly #process: ToolProcess;
  readonly #options: GuestfishOptions;
  readonly #token = randomBytes(8).toString('hex');
  readonly #log: string[] = [];
  #count = 0;
  #waiting: Waiting | undefined;
  #ended = false;
  readonly #onAbort = () => void this.#process.stop();

  private constructor(options: GuestfishOptions) {
    this.#options = options;
    this.#process = new ToolProcess({
      command: options.guestfish ?? 'guestfish',
      parameters: [
        '--no-progress-bars',
        ...(options.readOnly ? ['--ro'] : ['--rw']),
        '--format=raw',
        ...options.disks.flatMap((disk) => ['-a', disk]),
      ],
      environment: options.environment,
      input: true,
      merged: true,
      onLine: (line) => this.#take(line),
    });
    void this.#process.exited.then(({ missing }) => this.#end(missing));
    if (options.signal.aborted) this.#onAbort();
    else options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Starts the small Linux, which takes seconds, or half a minute without KVM.
   * @throws OsseaError `guest.tool-missing`, `guest.tool-broken`; the signal's reason when it aborts
   */
  static async start(options: GuestfishOptions): Promise<Guestfish> {
    const session = new Guestfish(options);
    try {
      // The VM stays in our process group, and so ends with us.
      await session.run('set-pgroup', 'false');
      await session.run('run');
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      options.signal.throwIfAborted();
      if (!(error instanceof GuestfishError)) throw error;
      throw toolError(session.#log.join('\n') || error.message, options.label, 'guest.tool-broken');
    }
  }

  /**
   * Runs one command and gives the lines that it prints.
   * @throws GuestfishError where libguestfs refuses it
   * @throws OsseaError where the session has ended
   */
  run(command: string, ...parameters: string[]): Promise<string[]> {
    return this.#send(true, command, parameters);
  }

  #send(telling: boolean, command: string, parameters: readonly string[]): Promise<string[]> {
    if (this.#waiting) throw new TypeError('guestfish runs one command at a time');
    if (this.#ended) return Promise.reject(this.#endedError(false));
    this.#count += 1;
    const marker = `${this.#token} ${this.#count}`;
    return new Promise((resolve, reject) => {
      this.#waiting = { marker, lines: [], telling, resolve, reject };
      const line = ['-', command, ...parameters.map((parameter) => ` ${quoted(parameter)}`)].join('');
      this.#process.input?.write(`${line}\n-echo ${quoted(marker)}\n`);
    });
  }

  /** The same, but undefined where libguestfs refuses it. */
  async attempt(command: string, ...parameters: string[]): Promise<string[] | undefined> {
    try {
      return await this.#send(false, command, parameters);
    } catch (error) {
      if (error instanceof GuestfishError) return undefined;
      throw error;
    }
  }

  /** True where a command that answers true or false answers true. */
  async test(command: string, ...parameters: string[]): Promise<boolean> {
    return (await this.attempt(command, ...parameters))?.[0] === 'true';
  }

  /** What a command prints as `key: value`, one pair a line. */
  async fields(command: string, ...parameters: string[]): Promise<Map<string, string>> {
    const pairs = (await this.attempt(command, ...parameters)) ?? [];
    return new Map(
      pairs.flatMap((line) => {
        const [, key, value] = /^(.*?): (.*)$/.exec(line) ?? [];
        return key === undefined || value === undefined ? [] : [[key, value]];
      }),
    );
  }

  /** A file of the guest; undefined where there is none. */
  async readFile(guestPath: string, limitBytes: number): Promise<Buffer | undefined> {
    const size = Number((await this.attempt('filesize', guestPath))?.[0]);
    if (!Number.isFinite(size) || size > limitBytes) return undefined;
    const local = await this.#localFile();
    try {
      return (await this.attempt('download', guestPath, local)) === undefined
        ? undefined
        : await readFile(local);
    } finally {
      await rm(local, { force: true });
    }
  }

  /** Writes a file of the guest, which belongs to its root. */
  async writeFile(guestPath: string, content: string | Buffer, mode: number): Promise<void> {
    const local = await this.#localFile();
    try {
      await writeFile(local, content, { mode: 0o600 });
      await this.run('upload', local, guestPath);
      await this.run('chmod', `0${mode.toString(8)}`, guestPath);
      await this.run('chown', '0', '0', guestPath);
    } finally {
      await rm(local, { force: true });
    }
  }

  async #localFile(): Promise<string> {
    await mkdir(this.#options.workDir, { recursive: true });
    return path.join(this.#options.workDir, `carried-${this.#token}`);
  }

  /**
   * Ends the session; what was written is on the disks then.
   * @throws OsseaError `guest.failed` where it cannot be written
   */
  async close(): Promise<void> {
    try {
      await this.run('umount-all');
      await this.run('shutdown');
    } catch (error) {
      if (!(error instanceof GuestfishError)) throw error;
      throw toolError(error.message, this.#options.label);
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#process.input?.end();
    await this.#process.stop();
  }

  #take(line: string): void {
    const { onLog } = this.#options;
    const waiting = this.#waiting;
    if (!waiting) {
      this.#remember(line);
      onLog(line);
    } else if (line === waiting.marker) {
      this.#waiting = undefined;
      const failure = failureOf(waiting.lines);
      if (failure === undefined) waiting.resolve(waiting.lines);
      else waiting.reject(new GuestfishError(failure));
    } else {
      waiting.lines.push(line);
      if (errorLine.test(line)) {
        this.#remember(line);
        if (waiting.telling) onLog(line);
      }
    }
  }

  #remember(line: string): void {
    this.#log.push(line);
    if (this.#log.length > 200) this.#log.shift();
  }

  #end(missing: boolean): void {
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const line of waiting?.lines ?? []) this.#remember(line);
    waiting?.reject(this.#endedError(missing));
  }

  #endedError(missing: boolean): Error {
    const { signal, label, guestfish } = this.#options;
    if (signal.aborted) return asError(signal.reason);
    if (missing) {
      return new OsseaError('guest.tool-missing', `${guestfish ?? 'guestfish'} cannot be run.`, {
        remedy: 'Install the package libguestfs-tools, or name the program with OSSEA_GUESTFISH.',
      });
    }
    return toolError(this.#log.join('\n'), label, 'guest.tool-broken');
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** How guestfish reports a failure: the number of the line that it read, and then what libguestfs says. */
const errorLine = /^(?:\*stdin\*:\d+: )?libguestfs: error: (.*)$|^(\S+: unknown command)$/;

function failureOf(lines: readonly string[]): string | undefined {
  const index = lines.findIndex((line) => errorLine.test(line));
  if (index < 0) return undefined;
  const [, said, unknown] = errorLine.exec(lines[index] ?? '') ?? [];
  return [said ?? unknown, ...lines.slice(index + 1)].join('\n');
}

/** A parameter in double quotes: guestfish(1), "Escape sequences in double quoted arguments". */
export function quoted(parameter: string): string {
  const escaped = Array.from(parameter, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    const code = character.charCodeAt(0);
    return code < 32 || code === 127 ? `\\${code.toString(8).padStart(3, '0')}` : character;
  });
  return `"${escaped.join('')}"`;
}
