import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

export interface ToolOptions {
  readonly command: string;
  /** Every user of the machine can see them: no secrets. */
  readonly parameters: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What it reads; nothing by default. */
  readonly input?: boolean | undefined;
  /** Whether it writes events to its file descriptor 3. */
  readonly events?: boolean | undefined;
  /** Puts standard error into standard output, so that the order of both is kept. */
  readonly merged?: boolean | undefined;
  /** Each line of both outputs. */
  readonly onLine: (line: string) => void;
  /** Each line of file descriptor 3. */
  readonly onEvent?: ((line: string) => void) | undefined;
}

export interface ToolExit {
  /** Undefined where a signal ended it, or where it could not be started. */
  readonly code: number | undefined;
  /** True where the program was not found or may not be run. */
  readonly missing: boolean;
}

/** Between a polite end and a hard one. */
const patienceMs = 10_000;

/**
 * Runs a program as a process group that ends with us: a watcher in it waits on a pipe, and kills the group when the pipe's other end,
 * which only this process holds, is closed. So neither a killed agent nor a finished tool leaves anything behind that has the
 * guest's disks open.
 */
const script = `
(trap '' TERM; cat <&4; kill -KILL 0) >/dev/null 2>&1 3>&- &
if [ "$1" = merged ]; then exec 2>&1; fi
shift
exec "$@" 4<&-
`;

/** What `sh` says of a program that is not there, or may not be run. POSIX, "Exit Status for Commands". */
const missingCodes = [126, 127];

/** A running tool of libguestfs with all the helpers that it starts. */
export class ToolProcess implements AsyncDisposable {
  /** Resolves when the tool and its helpers have ended, however they did; never rejects. */
  readonly exited: Promise<ToolExit>;
  readonly #process: ChildProcess;
  readonly #lifeline: Writable;

  constructor(options: ToolOptions) {
    this.#process = spawn(
      '/bin/sh',
      ['-c', script, 'sh', options.merged ? 'merged' : 'split', options.command, ...options.parameters],
      {
        stdio: [
          options.input ? 'pipe' : 'ignore',
          'pipe',
          'pipe',
          options.events ? 'pipe' : 'ignore',
          'pipe',
        ],
        detached: true,
        env: { ...options.environment },
      },
    );
    const { stdout, stderr, stdin, stdio } = this.#process;
    this.#lifeline = stdio[4] as Writable;
    // Nobody reads what the lifeline is closed with, or the input of a tool that has ended.
    this.#lifeline.on('error', () => {});
    stdin?.on('error', () => {});
    const lines = (stream: Readable | null, take: (line: string) => void) => {
      if (stream) createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take);
    };
    lines(stdout, options.onLine);
    lines(stderr, options.onLine);
    if (options.events) lines(stdio[3] as Readable, options.onEvent ?? (() => {}));
    this.exited = this.#awaitEnd();
  }

  get input(): Writable | null {
    return this.#process.stdin;
  }

  async #awaitEnd(): Promise<ToolExit> {
    const ended = new Promise<number | null>((resolve) => {
      this.#process.once('exit', (code) => resolve(code));
      this.#process.once('error', () => resolve(null));
    });
    const closed = new Promise<void>((resolve) => {
      this.#process.once('close', () => resolve());
      this.#process.once('error', () => resolve());
    });
    const code = await ended;
    this.#lifeline.end();
    await this.#groupGone();
    await closed;
    return { code: code ?? undefined, missing: code === null ? false : missingCodes.includes(code) };
  }

  /** Waits until no helper is left, as a device that is still open cannot be detached. */
  async #groupGone(): Promise<void> {
    const { pid } = this.#process;
    const until = performance.now() + patienceMs;
    while (pid !== undefined && signalGroup(pid, 0) && performance.now() < until) await delay(20);
  }

  /** Ends the tool: politely, so that it removes what it made, and then hard. May be called again; never rejects. */
  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      signalGroup(pid, 'SIGTERM');
      const impatience = setTimeout(() => this.#lifeline.end(), patienceMs);
      await this.exited;
      clearTimeout(impatience);
    }
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** False where the group does not exist any more. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
