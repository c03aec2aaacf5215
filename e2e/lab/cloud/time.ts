/** A moment as CloudStack writes it: `2026-01-31T12:00:00+0000`. */
export function cloudTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}+0000`;
}
