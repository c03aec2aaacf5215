import fc from 'fast-check';
import { expect, test } from 'vitest';
import { suggestTargetName, targetNameProblem } from './targetName.ts';

test('a name becomes one that CloudStack takes', () => {
  expect(suggestTargetName('legacy app (2009)')).toBe('legacy-app-2009');
  expect(suggestTargetName('2nd_Büro')).toBe('vm-2nd-Buro');
  expect(suggestTargetName('web-01')).toBe('web-01');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 90 }), (name) => {
      expect(targetNameProblem(suggestTargetName(name))).toBeUndefined();
    }),
  );
});
