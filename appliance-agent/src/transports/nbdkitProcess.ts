import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Writable } from 'node:stream';

export interface NbdkitOptions {
  /** Default: `nbdkit` on the PATH. */
  readonly nbdkitPath?: string | undefined;
  /** Where the private folder of the socket is made. */
  readonly runDir: string;
  /** Plugin and its parameters. Every user of the machine can see them: no secrets. */
  readonly plugin: readonly string[];
  /** Readable by the plugin as file descriptor 3. */
  readonly secret: string;
}

/** What is kept of the log of a process. */
const logBytes = 65_536;
const patienceMs = 5000;

/**
 * A read-only nbdkit that serves on a Unix socket in a private folder, and dies with us. Its surroundings are empty but
 * for the PATH and the language: VDDK brings libraries that clash with the system's, so nbdkit sets their path for
 * itself alone.
 */
export class NbdkitProcess {
  readonly socketPath: string;
  /** Resolves when the process has ended, however it did. */
  readonly exited: Promise<void>;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #secret: string;
  #log = '';
  #stopping: Promise<void> | undefined;

  private constructor(folder: string, options: NbdkitOptions) {
    this.#folder = folder;
    this.#secret = options.secret;
    this.socketPath = path.join(folder, 'nbd.sock');
    const parameters = ['-r', '--exit-with-parent', '-U', this.socketPath, ...options.plugin];
    this.#process = spawn(options.nbdkitPath ?? 'nbdkit', parameters, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8' },
    });
    this.exited = new Promise((resolve) => {
      this.#process.once('close', () => resolve());
      this.#process.once('error', (error) => {
        this.#append(`${options.nbdkitPath ?? 'nbdkit'} cannot be started: ${error.message}\n`);
        resolve();
      });
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => this.#append(text));
    const channel = this.#process.stdio[3] as Writable;
    // A process that ends before it has read the secret closes the pipe; that it ended is noticed elsewhere.
    channel.on('error', () => {});
    channel.end(options.secret);
  }

  static async start(options: NbdkitOptions): Promise<NbdkitProcess> {
    await mkdir(options.runDir, { recursive: true, mode: 0o700 });
    await removeLeftFolders(options.runDir);
    const folder = await mkdtemp(path.join(options.runDir, `nbdkit-${process.pid}-`));
    return new NbdkitProcess(folder, options);
  }

  /** The last 64 KiB of what it printed, without the secret. */
  get log(): string {
    return this.#secret ? this.#log.replaceAll(this.#secret, '***') : this.#log;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends the process and removes its folder. May be called again; never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null && this.pid !== undefined) {
      this.#process.kill('SIGTERM');
      const impatience = setTimeout(() => this.#process.kill('SIGKILL'), patienceMs);
      await this.exited;
      clearTimeout(impatience);
    }
    await rm(this.#folder, { recursive: true, force: true }).catch(() => {});
  }

  #append(text: string): void {
    this.#log = (this.#log + text).slice(-logBytes);
  }
}

/** An agent that was killed takes its nbdkits with it, but leaves their folders; the pid in the name tells them. */
async function removeLeftFolders(runDir: string): Promise<void> {
  for (const name of await readdir(runDir)) {
    const pid = /^nbdkit-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) {
      await rm(path.join(runDir, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The standard output of a short run of nbdkit, such as `--dump-plugin`, and what it printed as errors. */
export async function runNbdkit(
  nbdkitPath: string | undefined,
  parameters: readonly string[],
  signal: AbortSignal,
): Promise<{ succeeded: boolean; output: string; errors: string }> {
  const child = spawn(nbdkitPath ?? 'nbdkit', parameters, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8' },
    signal,
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(0, logBytes);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(0, logBytes);
  });
  try {
    const [code] = await once(child, 'close');
    return { succeeded: code === 0, output, errors };
  } catch (error) {
    signal.throwIfAborted();
    return { succeeded: false, output, errors: error instanceof Error ? error.message : String(error) };
  }
}
