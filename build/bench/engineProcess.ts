import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { EngineOutcome, type EngineRequest } from './engineCopy.ts';

/** The engine in a process that stays and is started as the agent's, so that a copy finds its code loaded and compiled. */
export class EngineProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  readonly #journalFolder: string;

  constructor(folder: string) {
    const script = join(import.meta.dirname, 'engineCopy.ts');
    this.#child = spawn(process.execPath, ['--max-semi-space-size=4', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#journalFolder = join(folder, 'journals');
  }

  /** Copies the disks at the same time. Throws when the process ends instead of answering; its error was printed. */
  async copy(disks: EngineRequest['disks'], chunkBytes?: number): Promise<EngineOutcome> {
    const journalFolder = this.#journalFolder;
    const request: EngineRequest = { disks, journalFolder, ...(chunkBytes !== undefined && { chunkBytes }) };
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = await this.#answers.next();
    if (answer.done) throw new Error('The engine ended in mid-copy.');
    await rm(journalFolder, { recursive: true });
    return EngineOutcome.parse(JSON.parse(answer.value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    await closed;
  }
}
