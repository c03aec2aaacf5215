import { expect, test } from 'vitest';
import { aboutText, keychainLoss, keychainTitle, whyNoUpdates } from './settingsWords.ts';

test('a keychain that is open costs nothing', () => {
  expect(keychainTitle({ state: 'available', store: 'Keychain' })).toBe('Keychain is open');
  expect(keychainLoss({ state: 'available' })).toBeUndefined();
});

test('a keychain that cannot be used says what does not work, and that nothing takes its place', () => {
  expect(keychainTitle({ state: 'locked', store: 'GNOME Keyring' })).toBe('GNOME Keyring is locked');
  for (const state of ['locked', 'missing'] as const) expect(keychainLoss({ state })).toMatch(/clear text/);
});

test('only a packaged console is updated', () => {
  expect(whyNoUpdates({ packaged: true })).toBeUndefined();
  expect(whyNoUpdates({ packaged: false })).toMatch(/not updated/);
});

test('what is copied about the console names no folder of the user', () => {
  const info = {
    version: '0.1.0',
    electron: '45',
    platform: 'linux x64',
    dataFolder: '/home/jo',
    packaged: true,
  };
  expect(aboutText(info)).toBe('OSSEA Migrate 0.1.0\nElectron 45\nlinux x64\n');
});
