import { setTimeout } from 'node:timers/promises';

const usualIntervalMs = 50;

/** Looks until what is seen is as wanted, within tests and without. @throws Error with what was seen last */
export async function until<T>(
  look: () => Promise<T>,
  wanted: (seen: T) => boolean,
  timeoutMs: number,
  intervalMs = usualIntervalMs,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (wanted(seen)) return seen;
    if (performance.now() > deadline)
      throw new Error(`Not in ${timeoutMs} ms; the last that was seen: ${JSON.stringify(seen)}`);
    await setTimeout(intervalMs);
  }
}
