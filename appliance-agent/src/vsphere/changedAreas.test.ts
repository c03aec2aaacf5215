import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ByteRange } from '../disk/extent.ts';
import { type ChangedPage, pageAreas } from './changedAreas.ts';

const capacityBytes = 1_000_448;

/** Answers pages as vCenter does: so many areas at most, each page describing no more than it says. */
function pagesOf(areas: readonly ByteRange[], cuts: readonly number[], asked: number[]) {
  return async (startOffset: number): Promise<ChangedPage> => {
    asked.push(startOffset);
    const end = cuts.find((cut) => cut > startOffset) ?? capacityBytes;
    return {
      startOffset,
      length: end - startOffset,
      areas: areas.flatMap(({ offset, length }) => {
        const from = Math.max(offset, startOffset);
        const to = Math.min(offset + length, end);
        return to > from ? [{ offset: from, length: to - from }] : [];
      }),
    };
  };
}

const sectors = (areas: readonly ByteRange[]): Set<number> =>
  new Set(
    areas.flatMap(({ offset, length }) => Array.from({ length: length / 512 }, (_, at) => offset / 512 + at)),
  );

const anArea = fc
  .tuple(fc.nat(capacityBytes / 512 - 1), fc.integer({ min: 1, max: 60 }))
  .map(([start, count]) => ({
    offset: start * 512,
    length: Math.min(count * 512, capacityBytes - start * 512),
  }));

test('pitfalls 1 and 2: however the pages are cut, every area is told, and the capacity is not asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anArea, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: capacityBytes / 512 - 1 }), { maxLength: 12 }),
      async (areas, cutSectors) => {
        const cuts = cutSectors.map((sector) => sector * 512).toSorted((a, b) => a - b);
        const asked: number[] = [];
        const found = await Array.fromAsync(pageAreas(capacityBytes, pagesOf(areas, cuts, asked)));
        expect(sectors(found)).toEqual(sectors(areas));
        expect(asked).toEqual([0, ...new Set(cuts)]);
      },
    ),
  );
});

test('pitfall 1: empty pages are gone through to the end', async () => {
  const asked: number[] = [];
  const areas = [{ offset: 999_936, length: 512 }];
  const found = await Array.fromAsync(pageAreas(capacityBytes, pagesOf(areas, [512, 1024, 5120], asked)));
  expect(found).toEqual(areas);
  expect(asked).toEqual([0, 512, 1024, 5120]);
});

test('pitfall 12: areas beyond the capacity are cut, or left out', async () => {
  const ask = async (): Promise<ChangedPage> => ({
    startOffset: 0,
    length: capacityBytes + 65_536,
    areas: [
      { offset: 983_040, length: 65_536 },
      { offset: capacityBytes, length: 65_536 },
    ],
  });
  expect(await Array.fromAsync(pageAreas(capacityBytes, ask))).toEqual([
    { offset: 983_040, length: capacityBytes - 983_040 },
  ]);
});

test('a disk without a byte is not asked about', async () => {
  const ask = () => Promise.reject(new Error('asked'));
  expect(await Array.fromAsync(pageAreas(0, ask))).toEqual([]);
});

test('areas come while later pages are still to be asked for', async () => {
  const asked: number[] = [];
  const areas = [{ offset: 0, length: 512 }];
  for await (const area of pageAreas(capacityBytes, pagesOf(areas, [512], asked))) {
    expect(area).toEqual(areas[0]);
    expect(asked).toEqual([0]);
    break;
  }
  expect(asked).toEqual([0]);
});

test.each([
  ['covers nothing', { startOffset: 512, length: 0 }],
  ['goes back', { startOffset: 0, length: 512 }],
  ['leaves a gap', { startOffset: 1024, length: 512 }],
  ['has a negative length', { startOffset: 512, length: -512 }],
])('pitfall 2: a page that %s is refused and does not loop', async (_, second) => {
  let calls = 0;
  const ask = async (startOffset: number): Promise<ChangedPage> => {
    calls += 1;
    return startOffset === 0 ? { startOffset: 0, length: 512, areas: [] } : { ...second, areas: [] };
  };
  await expect(Array.fromAsync(pageAreas(capacityBytes, ask))).rejects.toMatchObject({
    code: 'vsphere.changed-blocks',
    message: expect.stringContaining('from 512'),
  });
  expect(calls).toBe(2);
});
