/** The selection with every id of `ids` in it, or without. */
export function withIds(
  selected: ReadonlySet<string>,
  ids: Iterable<string>,
  present: boolean,
): ReadonlySet<string> {
  const next = new Set(selected);
  for (const id of ids) {
    if (present) next.add(id);
    else next.delete(id);
  }
  return next;
}

/** The ids between two rows in the order that is shown, both included; only the second where the first is not shown. */
export function rangeOf(shown: readonly string[], from: string | undefined, to: string): readonly string[] {
  const start = from === undefined ? -1 : shown.indexOf(from);
  const end = shown.indexOf(to);
  if (start === -1 || end === -1) return [to];
  return shown.slice(Math.min(start, end), Math.max(start, end) + 1);
}

/** What the checkbox over all rows shows. */
export function selectionOf(
  selected: ReadonlySet<string>,
  shown: readonly string[],
): 'none' | 'some' | 'all' {
  let count = 0;
  for (const id of shown) if (selected.has(id)) count++;
  if (count === 0) return 'none';
  return count === shown.length ? 'all' : 'some';
}
