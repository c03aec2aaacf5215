import { expect, test } from 'vitest';
import { limitAt, limitLabel, stepOf, unlimitedStep } from './bandwidthSteps.ts';

test('every position is the one of its own limit', () => {
  for (let step = 0; step <= unlimitedStep; step++) expect(stepOf(limitAt(step))).toBe(step);
  expect(limitAt(unlimitedStep)).toBeUndefined();
});

test('a limit between two positions, or beyond them, is shown at the nearest', () => {
  expect(limitAt(stepOf(37 * 2 ** 20))).toBe(32 * 2 ** 20);
  expect(stepOf(1)).toBe(0);
  expect(stepOf(2 ** 50)).toBe(unlimitedStep - 1);
});

test('limits are told as rates', () => {
  expect(limitLabel(37 * 2 ** 20)).toBe('37.0 MiB/s');
  expect(limitLabel(undefined)).toBe('No limit');
});
