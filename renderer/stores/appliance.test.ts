import { expect, test } from 'vitest';
import { shownAppliance } from './appliance.ts';

test('the chosen appliance is shown, else the default, else the first', () => {
  expect(shownAppliance(['a', 'b', 'c'], 'b', 'c')).toBe('b');
  expect(shownAppliance(['a', 'b', 'c'], 'gone', 'c')).toBe('c');
  expect(shownAppliance(['a', 'b', 'c'], undefined, undefined)).toBe('a');
  expect(shownAppliance([], 'b', 'c')).toBeUndefined();
});

test('a default that came before the list that it is in is not shown: choosing it again and again took the window away', () => {
  expect(shownAppliance([], undefined, 'new')).toBeUndefined();
  expect(shownAppliance(['old'], undefined, 'new')).toBe('old');
});
