import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangeOf, selectionOf, withIds } from './selection.ts';

const shown = ['a', 'b', 'c', 'd', 'e'];

describe('a range', () => {
  test('goes either way and holds both ends', () => {
    expect(rangeOf(shown, 'b', 'd')).toEqual(['b', 'c', 'd']);
    expect(rangeOf(shown, 'd', 'b')).toEqual(['b', 'c', 'd']);
  });

  test('is the row alone where it has no start, or the filter hides the start', () => {
    expect(rangeOf(shown, undefined, 'c')).toEqual(['c']);
    expect(rangeOf(shown, 'hidden', 'c')).toEqual(['c']);
  });
});

test('selecting and taking back leaves what was not shown', () => {
  const ids = fc.uniqueArray(fc.string());
  fc.assert(
    fc.property(ids, ids, (before, changed) => {
      const added = withIds(new Set(before), changed, true);
      expect([...before, ...changed].every((id) => added.has(id))).toBe(true);
      const removed = withIds(added, changed, false);
      expect(removed).toEqual(new Set(before.filter((id) => !changed.includes(id))));
    }),
  );
});

test('the checkbox over all rows counts shown rows only', () => {
  expect(selectionOf(new Set(['hidden']), shown)).toBe('none');
  expect(selectionOf(new Set(['a', 'hidden']), shown)).toBe('some');
  expect(selectionOf(new Set([...shown, 'hidden']), shown)).toBe('all');
  expect(selectionOf(new Set(['hidden']), [])).toBe('none');
});
