/** `[offset, offset + length)` in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** A range of a disk and what it holds: `data` must be read, `zero` and `hole` read as zeros. */
export interface Extent extends ByteRange {
  readonly kind: 'data' | 'zero' | 'hole';
}

/** Merges neighbours of one kind. The input is ordered and adjoining. */
export async function* mergeExtents(
  extents: AsyncIterable<Extent> | Iterable<Extent>,
): AsyncIterable<Extent> {
  let current: Extent | undefined;
  for await (const extent of extents) {
    if (current && current.kind === extent.kind && current.offset + current.length === extent.offset) {
      current = { ...current, length: current.length + extent.length };
    } else {
      if (current) yield current;
      current = extent;
    }
  }
  if (current) yield current;
}

/**
 * The union of the ranges, ordered, merged where they touch or overlap, and clamped to `[0, sizeBytes)`.
 * Changed areas may be unordered, overlap, and reach past the end.
 */
export function normaliseRanges(ranges: Iterable<ByteRange>, sizeBytes: number): ByteRange[] {
  const sorted = [...ranges]
    .map(({ offset, length }) => {
      const start = Math.max(0, offset);
      return { offset: start, length: Math.min(offset + length, sizeBytes) - start };
    })
    .filter((range) => range.length > 0)
    .sort((a, b) => a.offset - b.offset);
  const merged: { offset: number; length: number }[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last && range.offset <= last.offset + last.length) {
      last.length = Math.max(last.length, range.offset + range.length - last.offset);
    } else {
      merged.push({ ...range });
    }
  }
  return merged;
}

/** The number of bytes in the ranges. */
export function totalBytes(ranges: Iterable<ByteRange>): number {
  let sum = 0;
  for (const range of ranges) sum += range.length;
  return sum;
}
