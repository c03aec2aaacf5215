import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gridMove } from './gridKeys.ts';

test('keys move by rows, pages and to the ends', () => {
  expect(gridMove('ArrowDown', -1, 100, 10)).toBe(0);
  expect(gridMove('ArrowDown', 4, 100, 10)).toBe(5);
  expect(gridMove('PageUp', 4, 100, 10)).toBe(0);
  expect(gridMove('End', 4, 100, 10)).toBe(99);
  expect(gridMove('x', 4, 100, 10)).toBeUndefined();
});

test('no key leaves the table, and an empty one has nowhere to go', () => {
  const keys = fc.constantFrom('ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End');
  fc.assert(
    fc.property(keys, fc.nat(50), fc.integer({ min: -1, max: 60 }), fc.nat(20), (key, count, at, page) => {
      const to = gridMove(key, at, count, page);
      if (count === 0) expect(to).toBeUndefined();
      else expect(to !== undefined && to >= 0 && to < count).toBe(true);
    }),
  );
});
