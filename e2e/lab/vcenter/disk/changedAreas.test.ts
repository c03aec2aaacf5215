import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitmap } from './bitmap.ts';
import { type Area, pageOfAreas } from './changedAreas.ts';
import { ChangeTracker, parseChangeId, spellTrackingUuid } from './changeTracker.ts';

const block = 65536;
const limits = { maxAreas: 2000, maxSpanBytes: 0, emptyFirst: false, roundsUp: false };

test('pages put together are all areas, for any page size, span and empty pages', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(199)),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(0, block, 7 * block + 512),
      fc.boolean(),
      fc.integer({ min: 1, max: 128 }),
      (members, maxAreas, maxSpanBytes, emptyFirst, tailSectors) => {
        const blocks = new Bitmap(200);
        for (const member of members) blocks.add(member);
        const capacity = 199 * block + tailSectors * 512;
        const seen: Area[] = [];
        for (let offset = 0; offset < capacity; ) {
          const page = pageOfAreas(blocks, block, capacity, offset, {
            ...limits,
            maxAreas,
            maxSpanBytes,
            emptyFirst,
          });
          expect(page.length).toBeGreaterThan(0);
          expect(page.areas.length).toBeLessThanOrEqual(maxAreas);
          for (const area of page.areas) {
            expect(area.start).toBeGreaterThanOrEqual(offset);
            expect(area.start + area.length).toBeLessThanOrEqual(offset + page.length);
          }
          seen.push(...page.areas);
          offset += page.length;
        }
        const found = new Bitmap(200);
        for (const area of seen)
          found.addRange(Math.floor(area.start / block), Math.ceil((area.start + area.length) / block));
        expect([...found.runs()]).toEqual([...blocks.runs()]);
      },
    ),
  );
});

test('an empty page ends before the first area', () => {
  const blocks = new Bitmap(10);
  blocks.add(4);
  const page = pageOfAreas(blocks, block, 10 * block, 0, { ...limits, emptyFirst: true });
  expect(page).toEqual({ startOffset: 0, length: 4 * block, areas: [] });
});

test('the areas between two change ids hold every byte written between them', () => {
  const capacity = 50 * block + 512;
  const write = fc.tuple(fc.nat(capacity / 512 - 1), fc.integer({ min: 1, max: 300 }));
  fc.assert(
    fc.property(
      fc.array(fc.array(write, { maxLength: 6 }), { minLength: 1, maxLength: 6 }),
      fc.nat(),
      (epochs, pick) => {
        const tracker = new ChangeTracker(spellTrackingUuid(new Uint8Array(16)), block, capacity, false);
        const ids = [tracker.checkpoint()];
        const writes = epochs.map((epoch) => {
          const regions = epoch.map(([start, count]) => ({
            offset: start * 512,
            length: Math.min(count * 512, capacity - start * 512),
          }));
          for (const { offset, length } of regions) tracker.record(offset, length);
          ids.push(tracker.checkpoint());
          return regions;
        });
        const from = pick % epochs.length;
        const sequence = (index: number) => parseChangeId(ids[index] ?? '')?.sequence ?? -1;
        const changed = tracker.changedBlocks(sequence(from), sequence(epochs.length));
        const expected = new Bitmap(changed.size);
        for (const { offset, length } of writes.slice(from).flat()) {
          expected.addRange(Math.floor(offset / block), Math.ceil((offset + length) / block));
        }
        expect([...changed.runs()]).toEqual([...expected.runs()]);
      },
    ),
  );
});

test('a rewound tracker goes on with a lower sequence and the same uuid', () => {
  const tracker = new ChangeTracker(spellTrackingUuid(Buffer.alloc(16, 0x52)), block, 10 * block, false);
  const early = tracker.checkpoint();
  tracker.record(0, 1);
  const late = tracker.checkpoint();
  tracker.rewind(parseChangeId(early)?.sequence ?? 0);
  tracker.record(block, 1);
  const after = tracker.checkpoint();
  expect(after).toBe(late);
  expect([...tracker.changedBlocks(1, 2).runs()]).toEqual([[1, 2]]);
});

test('change ids are read in the spelling of vSphere only', () => {
  const text = '52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/81';
  expect(parseChangeId(text)).toEqual({ uuid: text.slice(0, -3), sequence: 81 });
  expect(parseChangeId('*')).toBeUndefined();
  expect(parseChangeId('52/x')).toBeUndefined();
});
