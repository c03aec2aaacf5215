/** Work that goes on side by side and ends at its first failure. */
export class TaskGroup {
  readonly #stopping = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  #wake: (() => void) | undefined;
  #failure: unknown;

  /** Aborts at the first failure, with it as reason. */
  get stop(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The first failure. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Tasks that have not ended. */
  get size(): number {
    return this.#tasks.size;
  }

  fail(error: unknown): void {
    this.#failure ??= error;
    this.#stopping.abort(this.#failure);
    this.wake();
  }

  /** Takes a task in; where it rejects, the group fails. */
  track(task: Promise<void>): void {
    const tracked = task
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.#tasks.delete(tracked);
        this.wake();
      });
    this.#tasks.add(tracked);
  }

  /** Resolves when a task has ended, or somebody called `wake`; for one waiter at a time. */
  async woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Resolves when nothing is under way any more. */
  async settle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }
}

/** The promise, or the signal's reason if that comes first; the promise then goes on unheard. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
