/**
 * The wait before attempt number `attempt` (from 1) in milliseconds: doubling from one second to a minute, with full jitter
 * on the upper half, so that many consoles do not come back at once. `random` gives [0, 1).
 */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(60_000, 1000 * 2 ** Math.min(attempt - 1, 10));
  return ceiling / 2 + random() * (ceiling / 2);
}
