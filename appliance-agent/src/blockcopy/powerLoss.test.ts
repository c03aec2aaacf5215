import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ByteRange } from '../disk/extent.ts';
import { copyDisk } from './copyDisk.ts';
import { Journal } from './journal.ts';
import {
  MemorySource,
  MemoryStream,
  type Power,
  PowerLoss,
  VolatileDisk,
  VolatileJournalFile,
  VolatileTarget,
} from './memoryDisk.testing.ts';
import { verifyReadback } from './verify.ts';

const chunkBytes = 4096;

/** What happens to a chunk of the source between two points; `back` is what it was at the point before the last. */
const chunkChange = fc.constantFrom('same', 'data', 'part', 'zero', 'back', 'same-written');

const lives = fc.record({
  capacityBytes: fc.integer({ min: 1, max: 7 * chunkBytes }),
  tailBytes: fc.integer({ min: 0, max: 2 * chunkBytes }),
  knownZero: fc.boolean(),
  knowsHoles: fc.boolean(),
  seed: fc.nat(),
  points: fc.array(
    fc.record({
      changes: fc.array(chunkChange, { minLength: 8, maxLength: 8 }),
      /** Whether the changed areas are known. */
      tracked: fc.boolean(),
      /** How the source can be read, run by run: as one stream, or at random. */
      streamed: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      /** After so many operations the power goes, each time. */
      losses: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 2 }),
      /** An interrupted point is given up and the next one built upon what there is. */
      abandoned: fc.boolean(),
    }),
    { minLength: 2, maxLength: 5 },
  ),
});

function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('pitfalls 10, 11, 14, 16: a seed of several points stays right under losses of power at any operation', async () => {
  await fc.assert(
    fc.asyncProperty(lives, async (life) => {
      const random = randomFrom(life.seed);
      const deviceBytes = life.capacityBytes + life.tailBytes;
      let source: Buffer = Buffer.alloc(life.capacityBytes);
      let image: Buffer = Buffer.alloc(deviceBytes, life.knownZero ? 0 : 0xee);
      let journalImage: Buffer = Buffer.alloc(0);
      /** The source at each point. */
      const history: Buffer[] = [];
      /** All that changed since the point that the journal knows, as changed-block tracking would tell. */
      const since = new Map<string, ByteRange[]>();

      /** One run under a power supply; true when it came to its end. */
      const run = async (
        snapshot: string,
        tracked: boolean,
        streamed: boolean,
        operationsLeft: number,
      ): Promise<boolean> => {
        const power: Power = { operationsLeft, random };
        const disk = new VolatileDisk(image, power);
        const journalDisk = new VolatileDisk(journalImage, power, random() < 0.5 ? 24 : 512);
        const target = new VolatileTarget(disk, life.knownZero);
        let finished = false;
        try {
          const identity = { volumeId: 'v1', capacityBytes: life.capacityBytes, chunkBytes };
          const journal = await Journal.open(new VolatileJournalFile(journalDisk), identity, 'j');
          const changed = journal.point && tracked ? (since.get(journal.point.snapshot) ?? 'all') : 'all';
          await journal.beginPoint({ snapshot }, changed);
          const options = { target, journal, label: 'd', signal: new AbortController().signal };
          const disk = streamed ? new MemoryStream(source) : new MemorySource(source, life.knowsHoles);
          const { sourceDigest } = await copyDisk({ ...options, source: disk });
          expect(await verifyReadback(options)).toMatchObject({ mismatchedChunks: 0, sourceDigest });
          finished = true;
        } catch (error) {
          expect(error).toBeInstanceOf(PowerLoss);
        }
        image = finished ? disk.content : disk.survivor();
        journalImage = finished ? journalDisk.content : journalDisk.survivor();
        return finished;
      };

      for (const [number, point] of life.points.entries()) {
        const snapshot = `snapshot-${number}`;
        const changed: ByteRange[] = [];
        const before = history.at(-2);
        source = Buffer.from(source);
        history.push(source);
        for (const [index, change] of point.changes.entries()) {
          const offset = index * chunkBytes;
          const length = Math.min(chunkBytes, source.length - offset);
          if (length <= 0 || change === 'same') continue;
          changed.push({ offset, length: change === 'part' ? Math.min(700, length) : length });
          if (change === 'zero') source.fill(0, offset, offset + length);
          if (change === 'data') source.fill(1 + Math.floor(random() * 255), offset, offset + length);
          if (change === 'part')
            source.fill(1 + Math.floor(random() * 255), offset, offset + Math.min(700, length));
          if (change === 'back') before?.copy(source, offset, offset, offset + length);
        }
        for (const ranges of since.values()) ranges.push(...changed);
        since.set(snapshot, []);
        let finished = false;
        const streamed = point.streamed.values();
        for (const operations of point.losses) {
          finished = await run(snapshot, point.tracked, streamed.next().value ?? false, operations);
        }
        const isLast = number === life.points.length - 1;
        if (!finished && point.abandoned && !isLast) continue;
        const last = streamed.next().value ?? false;
        expect(await run(snapshot, point.tracked, last, Number.POSITIVE_INFINITY)).toBe(true);
        expect(image.subarray(0, source.length).equals(source)).toBe(true);
        expect(image.subarray(source.length).every((byte) => byte === 0)).toBe(true);
      }
    }),
    { numRuns: 600 },
  );
});
