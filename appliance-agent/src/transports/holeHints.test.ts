import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemorySource } from '../blockcopy/memoryDisk.testing.ts';
import type { Extent } from '../disk/extent.ts';
import { withHoles } from './holeHints.ts';

const MiB = 1024 ** 2;
const never = new AbortController().signal;

function diskWith(sizeBytes: number, data: readonly { offset: number; length: number }[]): Buffer {
  const content = Buffer.alloc(sizeBytes);
  for (const { offset, length } of data)
    content.fill(0xd7, Math.min(offset, sizeBytes), Math.min(offset + length, sizeBytes));
  return content;
}

test('areas in use are data and the rest is holes, clamped to the disk', async () => {
  const sizeBytes = 5 * MiB + 513;
  const inUse = [
    { offset: 5 * MiB, length: 10 * MiB },
    { offset: MiB, length: MiB },
    { offset: MiB + 100, length: MiB },
  ];
  const disk = await withHoles(new MemorySource(diskWith(sizeBytes, inUse), false), inUse, never);
  const extents: Extent[] = [];
  for await (const extent of disk?.extents({ offset: 100, length: sizeBytes - 200 }, never) ?? []) {
    extents.push(extent);
  }
  expect(extents).toEqual([
    { offset: 100, length: MiB - 100, kind: 'hole' },
    { offset: MiB, length: MiB + 100, kind: 'data' },
    { offset: 2 * MiB + 100, length: 3 * MiB - 100, kind: 'hole' },
    { offset: 5 * MiB, length: 413, kind: 'data' },
  ]);
});

describe('pitfall 5: what is said to be in use is a hint only', () => {
  test('data in a supposed hole refutes it', async () => {
    const content = diskWith(64 * MiB, [{ offset: 0, length: 32 * MiB }]);
    const source = new MemorySource(content, false);
    expect(await withHoles(source, [{ offset: 0, length: 16 * MiB }], never)).toBeUndefined();
    expect(source.readBytes).toBeLessThan(8 * MiB + 1);
  });

  test('a disk with nothing in use is read whole', async () => {
    expect(await withHoles(new MemorySource(Buffer.alloc(MiB), false), [], never)).toBeUndefined();
  });

  test('holes that hold nothing are believed, whatever their shape', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 * MiB }),
        fc.array(fc.record({ offset: fc.nat(3 * MiB), length: fc.integer({ min: 1, max: MiB }) }), {
          minLength: 1,
        }),
        async (sizeBytes, areas) => {
          fc.pre(areas.some(({ offset }) => offset < sizeBytes));
          const content = diskWith(sizeBytes, areas);
          const disk = await withHoles(new MemorySource(content, false), areas, never);
          const rebuilt = Buffer.alloc(sizeBytes);
          let at = 0;
          for await (const extent of disk?.extents({ offset: 0, length: sizeBytes }, never) ?? []) {
            expect(extent.offset).toBe(at);
            at += extent.length;
            if (extent.kind === 'data')
              await disk?.read(extent.offset, rebuilt.subarray(extent.offset, at), never);
          }
          expect(at).toBe(sizeBytes);
          expect(rebuilt.equals(content)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });
});
