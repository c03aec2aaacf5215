import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LayeredDisk } from './layeredDisk.ts';

const capacity = 20 * 4096 + 512;
let root = '';
let disks = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lab-disk-'));
});
afterAll(() => rm(root, { recursive: true }));

function newDisk(): LayeredDisk {
  disks += 1;
  return new LayeredDisk(root, `disk${disks}`, capacity);
}

function contentOf(disk: LayeredDisk, owner?: string): Buffer {
  const layer = owner === undefined ? disk.current : disk.layerOf(owner);
  if (layer === undefined) throw new Error(`no layer of ${owner}`);
  const content = Buffer.alloc(capacity);
  layer.read(0, content);
  return content;
}

const sectors = capacity / 512;
const region = fc
  .tuple(fc.nat(sectors - 1), fc.integer({ min: 1, max: 24 }))
  .map(([start, length]) => ({ offset: start * 512, length: Math.min(length, sectors - start) * 512 }));
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), region, byte: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('discard' as const), region }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat(), merge: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revert' as const), which: fc.nat() }) },
);

test('every snapshot keeps its moment, whatever is written, removed and reverted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const disk = newDisk();
      let now = Buffer.alloc(capacity);
      const moments = new Map<string, Buffer>();
      let taken = 0;
      for (const each of steps) {
        const owners = [...moments.keys()];
        if (each.kind === 'write') {
          const data = Buffer.alloc(each.region.length, each.byte);
          disk.current.write(each.region.offset, data);
          data.copy(now, each.region.offset);
        } else if (each.kind === 'discard') {
          disk.current.discard(each.region.offset, each.region.length);
          now.fill(0, each.region.offset, each.region.offset + each.region.length);
        } else if (each.kind === 'snapshot') {
          taken += 1;
          disk.freeze(`s${taken}`);
          moments.set(`s${taken}`, Buffer.from(now));
        } else if (owners.length > 0) {
          const owner = owners[each.which % owners.length] ?? '';
          if (each.kind === 'revert') {
            disk.revert(disk.layerOf(owner)!);
            now = Buffer.from(moments.get(owner)!);
          } else {
            disk.release(owner);
            moments.delete(owner);
            if (each.merge) await disk.consolidate();
          }
        }
        expect(contentOf(disk).equals(now)).toBe(true);
        for (const [owner, moment] of moments) expect(contentOf(disk, owner).equals(moment)).toBe(true);
      }
      await disk.consolidate();
      expect(disk.needsConsolidation).toBe(false);
      for (const [owner, moment] of moments) expect(contentOf(disk, owner).equals(moment)).toBe(true);
      disk.remove();
    }),
    { numRuns: 150 },
  );
});

test('the raw base holds the moment of the only snapshot, and everything once that is removed', async () => {
  const disk = newDisk();
  disk.current.write(0, Buffer.alloc(8192, 1));
  disk.freeze('s1');
  disk.current.write(4096 + 512, Buffer.alloc(1024, 2));
  const flat = join(root, `${disk.stem}-flat.vmdk`);
  expect(await readFile(flat)).toEqual(contentOf(disk, 's1'));
  const latest = contentOf(disk);
  disk.release('s1');
  await disk.consolidate();
  expect(await readFile(flat)).toEqual(latest);
  expect((await readdir(root)).filter((name) => name.startsWith(disk.stem))).toEqual([
    `${disk.stem}-flat.vmdk`,
  ]);
  disk.remove();
});

test('writes during a consolidation are kept', async () => {
  const disk = new LayeredDisk(root, 'busy', 16 << 20);
  disk.freeze('s1');
  disk.current.write(0, Buffer.alloc(16 << 20, 7));
  disk.release('s1');
  const merged = disk.consolidate();
  disk.current.write(5000, Buffer.from('late'));
  await merged;
  const content = Buffer.alloc(4);
  disk.current.read(5000, content);
  expect(content.toString()).toBe('late');
  expect(disk.current.number).toBe(0);
  disk.remove();
});

test('allocation knows what was written and forgets what was discarded', () => {
  const disk = newDisk();
  disk.current.write(0, Buffer.alloc(4096 * 3, 1));
  disk.freeze('s1');
  disk.current.discard(4096, 8192);
  disk.current.write(4096 * 10, Buffer.alloc(512, 1));
  expect(disk.allocatedBytes(disk.layerOf('s1')!)).toBe(3 * 4096);
  expect(disk.allocatedBytes(disk.current)).toBe(2 * 4096);
  disk.remove();
});
