import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';

/** Something that is to be begun at its time. */
export interface Duty {
  readonly name: string;
  /** Begins what is due. Called again and again; must not wait for what it begins. */
  readonly tend: (now: Date) => Promise<void>;
}

const everyMs = 1_000;

/** Sees to duties once a second, from `launch` to its disposal. One that fails is tried again at the next turn. */
export class Scheduler implements AsyncDisposable {
  readonly #duties: readonly Duty[];
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(duties: readonly Duty[], logger: Logger) {
    this.#duties = duties;
    this.#logger = logger;
  }

  launch(): void {
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const told = new Map<string, string>();
    while (!signal.aborted) {
      for (const { name, tend } of this.#duties) {
        try {
          await tend(new Date());
          told.delete(name);
        } catch (error) {
          const text = error instanceof Error ? error.message : String(error);
          // A database that is away would fill the log.
          if (told.get(name) !== text)
            this.#logger.warn({ duty: name, detail: text }, 'a duty is tried again');
          told.set(name, text);
        }
      }
      await setTimeout(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
