interface Waiter {
  readonly bytes: number;
  readonly grant: () => void;
}

/** So many seconds' worth of bytes may be moved at once after a pause. */
const burstSeconds = 0.25;

/**
 * A token bucket for bytes. Several copies may share one; a copy may be under several (the agent's and its job's). Each
 * copy asks for one chunk at a time, so that waiters in order of arrival are served fairly.
 */
export class RateLimiter {
  readonly #waiters: Waiter[] = [];
  #held = false;
  #rate: number | undefined;
  /** Bytes that may go at once; below zero after a chunk larger than the burst, until the time for it has passed. */
  #tokens = 0;
  #filledAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** @param bytesPerSecond undefined is no limit. */
  constructor(bytesPerSecond?: number) {
    this.setRate(bytesPerSecond);
  }

  /** The limit now, in bytes a second. */
  get bytesPerSecond(): number | undefined {
    return this.#rate;
  }

  /** Takes effect at once, also for those who wait. */
  setRate(bytesPerSecond: number | undefined): void {
    if (bytesPerSecond !== undefined && !(bytesPerSecond > 0)) {
      throw new RangeError(`A bandwidth limit of ${bytesPerSecond} bytes a second moves nothing.`);
    }
    this.#fill();
    // A chunk that went under a higher rate need not be paid for at the lower one, which could take minutes.
    if (this.#rate !== undefined && bytesPerSecond !== undefined && this.#tokens < 0) {
      this.#tokens *= Math.min(1, bytesPerSecond / this.#rate);
    }
    this.#rate = bytesPerSecond;
    if (bytesPerSecond === undefined) this.#tokens = 0;
    this.#serve();
  }

  /** While held nothing may be moved, whatever the limit; who waits goes on at the release. */
  set held(held: boolean) {
    this.#held = held;
    if (!held) this.#serve();
  }

  get held(): boolean {
    return this.#held;
  }

  /** Resolves when `bytes` may be moved. Rejects with the signal's reason when that aborts. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#fill();
    if (this.#waiters.length === 0 && this.#admit(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        bytes,
        grant: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal.reason);
        this.#serve();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiters.push(waiter);
      this.#serve();
    });
  }

  #fill(): void {
    const now = performance.now();
    if (this.#rate !== undefined) {
      const gained = ((now - this.#filledAt) / 1000) * this.#rate;
      this.#tokens = Math.min(this.#tokens + gained, this.#rate * burstSeconds);
    }
    this.#filledAt = now;
  }

  #admit(bytes: number): boolean {
    if (this.#held) return false;
    if (this.#rate === undefined) return true;
    if (this.#tokens < 0) return false;
    this.#tokens -= bytes;
    return true;
  }

  #serve(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#fill();
    while (this.#waiters.length > 0 && this.#admit(this.#waiters[0]!.bytes)) this.#waiters.shift()?.grant();
    if (this.#waiters.length > 0 && this.#rate !== undefined && !this.#held) {
      this.#timer = setTimeout(() => this.#serve(), Math.ceil((-this.#tokens / this.#rate) * 1000));
    }
  }
}
