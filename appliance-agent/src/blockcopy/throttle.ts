/**
 * A token bucket for bytes. Several copies may share one; a copy may be under several (the agent's and its job's). Each
 * copy asks for one chunk at a time, so that waiters in order of arrival are served fairly.
 */
export class RateLimiter {
  /** @param bytesPerSecond undefined is no limit. */
  constructor(bytesPerSecond?: number) {
    throw new Error(`not implemented ${bytesPerSecond}`);
  }

  /** The limit now, in bytes a second. */
  get bytesPerSecond(): number | undefined {
    throw new Error('not implemented');
  }

  /** Takes effect at once, also for those who wait. */
  setRate(bytesPerSecond: number | undefined): void {
    throw new Error(`not implemented ${bytesPerSecond}`);
  }

  /** Resolves when `bytes` may be moved. Rejects with the signal's reason when that aborts. */
  take(bytes: number, signal: AbortSignal): Promise<void> {
    throw new Error(`not implemented ${bytes} ${signal}`);
  }
}
