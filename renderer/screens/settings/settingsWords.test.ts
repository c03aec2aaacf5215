import { expect, test } from 'vitest';
import { aboutText, whyNoUpdates } from './settingsWords.ts';

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
