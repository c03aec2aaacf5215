import { expect, test } from 'vitest';
import { RateLimiter } from './throttle.ts';

const { signal } = new AbortController();

async function secondsFor(limiter: RateLimiter, takes: number, bytes: number): Promise<number> {
  const startedAt = performance.now();
  for (let i = 0; i < takes; i++) await limiter.take(bytes, signal);
  return (performance.now() - startedAt) / 1000;
}

/** A busy machine may be late once. */
const timed = { retry: 3 };

test('keeps the rate, whatever the size of the pieces', timed, async () => {
  const limiter = new RateLimiter(1_000_000);
  const seconds = await secondsFor(limiter, 60, 10_000);
  // The last piece is paid for by whoever comes next, and timers are late by a millisecond or so.
  expect(seconds).toBeGreaterThan(0.55);
  expect(seconds).toBeLessThan(1);
});

test('without a limit nothing waits', timed, async () => {
  expect(await secondsFor(new RateLimiter(), 1000, 1e9)).toBeLessThan(0.2);
});

test('a changed limit takes effect at once for those who wait', timed, async () => {
  const limiter = new RateLimiter(1000);
  await limiter.take(1_000_000, signal);
  const waiting = limiter.take(1000, signal);
  const startedAt = performance.now();
  limiter.setRate(100_000_000);
  await waiting;
  expect(performance.now() - startedAt).toBeLessThan(200);

  limiter.setRate(1000);
  await limiter.take(1_000_000, signal);
  const alsoWaiting = limiter.take(1000, signal);
  limiter.setRate(undefined);
  await alsoWaiting;
});

test('a lowered limit counts from now on', async () => {
  const limiter = new RateLimiter(1e12);
  await limiter.take(1e6, signal);
  limiter.setRate(1_000_000);
  expect(await secondsFor(limiter, 70, 10_000)).toBeGreaterThan(0.3);
});

test('while it is held nothing moves, and who waits goes on at the release', async () => {
  const limiter = new RateLimiter();
  limiter.held = true;
  let moved = false;
  const taken = limiter.take(1, new AbortController().signal).then(() => {
    moved = true;
  });
  limiter.setRate(1000);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(moved).toBe(false);
  limiter.held = false;
  await taken;
  expect(moved).toBe(true);
});

test('two copies under one limit get equal shares', async () => {
  const limiter = new RateLimiter(2_000_000);
  const stop = new AbortController();
  const moved = [0, 0];
  const copy = async (who: number) => {
    for (;;) {
      await limiter.take(20_000, stop.signal);
      moved[who]! += 20_000;
      if (moved[0]! + moved[1]! >= 1_000_000) stop.abort();
    }
  };
  await Promise.allSettled([copy(0), copy(1)]);
  expect(Math.abs(moved[0]! - moved[1]!)).toBeLessThanOrEqual(40_000);
});

test('who gives up leaves the queue to the others', async () => {
  const limiter = new RateLimiter(100_000);
  await limiter.take(50_000, signal);
  const impatient = new AbortController();
  const given = limiter.take(1, impatient.signal);
  const patient = limiter.take(1, signal);
  impatient.abort(new Error('no longer wanted'));
  await expect(given).rejects.toThrow('no longer wanted');
  await patient;
});

test('a limit of nothing is refused', () => {
  expect(() => new RateLimiter(0)).toThrow(RangeError);
});
