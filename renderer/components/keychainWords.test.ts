import { expect, test } from 'vitest';
import { keychainLoss, keychainTitle } from './keychainWords.ts';

test('a keychain that is open costs nothing', () => {
  expect(keychainTitle({ state: 'available', store: 'Keychain' })).toBe('Keychain is open');
  expect(keychainLoss({ state: 'available' })).toBeUndefined();
});

test('a keychain that cannot be used says what does not work, and that nothing takes its place', () => {
  expect(keychainTitle({ state: 'locked', store: 'GNOME Keyring' })).toBe('GNOME Keyring is locked');
  for (const state of ['locked', 'missing'] as const) expect(keychainLoss({ state })).toMatch(/clear text/);
});
