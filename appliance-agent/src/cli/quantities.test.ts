import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OsseaError } from '../contract/index.ts';
import { parseCount, parseDuration, parseRate, showBytes, showDuration } from './quantities.ts';

describe('quantities that people write', () => {
  it.each([
    ['100MiB', 100 * 1024 ** 2],
    ['1.5 GB/s', 1_500_000_000],
    ['2g', 2 * 1024 ** 3],
    ['4096', 4096],
    ['none', undefined],
  ])('%s is a rate', (text, bytes) => {
    expect(parseRate('--bandwidth', text)).toBe(bytes);
  });

  it.each([
    ['90s', 90],
    ['15m', 900],
    ['12h', 43_200],
    ['30d', 2_592_000],
  ])('%s is a duration', (text, seconds) => {
    expect(parseDuration('--ttl', text)).toBe(seconds);
  });

  it('are refused with the option and the value, or are positive whole numbers', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(parseRate, parseDuration, parseCount), (text, parse) => {
        try {
          const value = parse('--option', text);
          if (value !== undefined) expect(Number.isSafeInteger(value) && value >= 1).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(OsseaError);
          expect(error).toMatchObject({ field: '--option', value: text });
        }
      }),
    );
  });
});

describe('quantities that people read', () => {
  it('are short and exact enough', () => {
    expect([0, 0.44, 45, 200, 7500, 360_000].map(showDuration)).toEqual([
      '0s',
      '0.4s',
      '45s',
      '3m 20s',
      '2h 05m',
      '4d 4h',
    ]);
    expect([0, 1023, 1536, 10 * 1024 ** 3 + 512].map(showBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '10 GiB',
    ]);
  });
});
