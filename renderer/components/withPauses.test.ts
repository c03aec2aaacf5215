import { expect, test } from 'vitest';
import { withPauses } from './withPauses.ts';

const point = (at: number, bytesPerSecond: number) => ({ at, bytesPerSecond });

test('between two copies the graph is at zero, and does not tell of a rate that nobody measured', () => {
  expect(withPauses([point(10, 300), point(70, 5)])).toEqual([
    point(10, 300),
    point(11, 0),
    point(69, 0),
    point(70, 5),
  ]);
});

test('samples that follow each other are left as they are', () => {
  const points = [point(10, 300), point(10.5, 310), point(14, 290)];
  expect(withPauses(points)).toEqual(points);
  expect(withPauses([])).toEqual([]);
});
