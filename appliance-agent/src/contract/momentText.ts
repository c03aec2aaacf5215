/** A moment of ISO 8601 as sentences tell it, such as `2026-11-27 04:49:28 UTC`. */
export function momentText(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}
