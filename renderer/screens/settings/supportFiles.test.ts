import { expect, test } from 'vitest';
import { bundleBytes, contentOf, exclusion } from './supportFiles.ts';

const files = [
  { name: 'console.json', text: '{}' },
  { name: 'doctor-Frankfurt_1.json', text: 'ä' },
  { name: 'console.log', text: '12345' },
];

test('the size is that of what is not left out, in bytes', () => {
  expect(bundleBytes(files, new Set())).toBe(9);
  expect(bundleBytes(files, new Set(['console.log', 'gone']))).toBe(4);
});

test('what was left out stays out', () => {
  expect(exclusion(files, new Set(['console.log']), files)).toEqual(['console.log']);
  expect(exclusion(files, new Set(), files)).toEqual([]);
});

test('a report that nobody has looked at is not saved', () => {
  const now = [...files, { name: 'doctor-Paris.json', text: '' }];
  expect(exclusion(files, new Set(['console.json']), now)).toEqual(['console.json', 'doctor-Paris.json']);
});

test('every kind of file is told in words', () => {
  for (const { name } of [...files, { name: 'console.log.1' }, { name: 'profiles.json' }])
    expect(contentOf(name), name).toBeDefined();
  expect(contentOf('doctor-Frankfurt_1.json')).toMatch(/Frankfurt_1$/);
  expect(contentOf('constructed')).toBeUndefined();
});
