import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Coverage } from './coverage.ts';

const size = 40;
const part = fc.record({
  start: fc.integer({ min: -3, max: size }),
  length: fc.integer({ min: 1, max: 12 }),
});

test('accepts exactly the parts that lie within and cover no byte twice', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const coverage = new Coverage(size);
      const bytes = new Array<boolean>(size).fill(false);
      for (const { start, length } of parts) {
        const fits =
          start >= 0 && start + length <= size && !bytes.slice(start, start + length).includes(true);
        expect(coverage.add(start, length)).toBe(fits);
        if (fits) bytes.fill(true, start, start + length);
        expect(coverage.isComplete).toBe(!bytes.includes(false));
      }
    }),
    { numRuns: 500 },
  );
});

test('is complete once every byte came, in whatever order', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8, maxLength: 8 }), (order) => {
      const coverage = new Coverage(80);
      for (const index of order) {
        expect(coverage.isComplete).toBe(false);
        expect(coverage.add(index * 10, 10)).toBe(true);
      }
      expect(coverage.isComplete).toBe(true);
    }),
  );
});
