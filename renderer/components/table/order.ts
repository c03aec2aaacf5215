const natural = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Numbers by value, texts as people count (`web-2` before `web-10`), whatever is neither equal. */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return natural.compare(a, b);
  return 0;
}
