import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** What one run of a program took. */
export interface Taken {
  readonly seconds: number;
  /** User and system time of the program and its children. */
  readonly cpuSeconds: number;
}

/** Runs a program to its end. Throws with its output when it fails. */
export async function timed(program: string, ...programArguments: string[]): Promise<Taken> {
  const startedAt = performance.now();
  // `times` tells the shell's own time in its first line, that of its children in the second. Not bash, which may read start-up
  // files.
  const { stdout } = await run('sh', ['-c', '"$@" >&2 && times', 'sh', program, ...programArguments]);
  const seconds = (performance.now() - startedAt) / 1000;
  let cpuSeconds = 0;
  for (const [, minutes, rest] of stdout
    .trim()
    .split('\n')[1]!
    .matchAll(/(\d+)m([\d.]+)s/g)) {
    cpuSeconds += Number(minutes) * 60 + Number(rest);
  }
  return { seconds, cpuSeconds };
}

/** A server that lives as long as its owner. */
export class Server implements AsyncDisposable {
  readonly child: ChildProcess;
  #log = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
  }

  /** Starts it, and waits until the file exists (its socket or its pid file). */
  static async start(readyFile: string, program: string, ...programArguments: string[]): Promise<Server> {
    const server = new Server(spawn(program, programArguments, { stdio: ['ignore', 'pipe', 'pipe'] }));
    while (!existsSync(readyFile)) {
      if (server.child.exitCode !== null) throw new Error(`${program} did not start: ${server.#log}`);
      await wait(20);
    }
    return server;
  }

  /** Resolves with the first line of its output that matches. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#log);
      if (found) return found;
      if (this.child.exitCode !== null) throw new Error(`The server ended: ${this.#log}`);
      await wait(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    await once(this.child, 'close');
  }
}
