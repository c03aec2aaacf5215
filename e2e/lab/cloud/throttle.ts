import { ApiError } from './apiError.ts';

/** `api.throttling`: a window per account that begins with its first call. */
export class Throttle {
  readonly #limit: { intervalSeconds: number; max: number } | undefined;
  readonly #windows = new Map<string, { endsAt: number; calls: number }>();

  constructor(limit: { intervalSeconds: number; max: number } | undefined) {
    this.#limit = limit;
  }

  /** @throws ApiError 429 with the time to wait in its text */
  take(accountId: string): void {
    if (this.#limit === undefined) return;
    const now = Date.now();
    let window = this.#windows.get(accountId);
    if (window === undefined || window.endsAt <= now) {
      window = { endsAt: now + this.#limit.intervalSeconds * 1000, calls: 0 };
      this.#windows.set(accountId, window);
    }
    window.calls += 1;
    if (window.calls > this.#limit.max) {
      throw new ApiError(
        'limitExceeded',
        `The given user has reached his/her account api limit, please retry after ${window.endsAt - now} ms.`,
      );
    }
  }
}
