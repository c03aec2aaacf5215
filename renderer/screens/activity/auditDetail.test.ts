import { expect, test } from 'vitest';
import { detailInWords } from './auditDetail.ts';

test('a change is told in words, sizes and rates as everywhere', () => {
  expect(detailInWords('{"bandwidthLimit":1048576,"autoVerify":true}')).toBe(
    'bandwidth limit 1.0 MiB/s, auto verify yes',
  );
  expect(detailInWords('{"bandwidthLimit":null}')).toBe('bandwidth limit none');
  expect(detailInWords('{"config":{"zoneId":"z1","nics":[{"key":4000}],"tags":["a","b"]}}')).toBe(
    'config (zone id z1, nics 1, tags a, b)',
  );
  expect(detailInWords('"console", admin')).toBe('"console", admin');
  expect(detailInWords('"console"')).toBe('console');
});

test('a sentence stays what it is, and so does what only looks like JSON', () => {
  expect(detailInWords('job 3d2f started')).toBe('job 3d2f started');
  expect(detailInWords('{not json')).toBe('{not json');
  expect(detailInWords('null')).toBe('null');
});
