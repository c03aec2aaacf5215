import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOsseaError, OsseaError } from '../contract/index.ts';
import { readStreamVmdk } from './readStreamVmdk.ts';
import { writeStreamVmdk } from './streamVmdk.testing.ts';

const sectorBytes = 512;
const largestBytes = 64 * 2 ** 20;

/** The stream in pieces of these sizes, over and over. */
async function* cut(stream: Buffer, sizes: readonly number[]): AsyncIterable<Uint8Array> {
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] ?? stream.length;
    yield stream.subarray(at, at + size);
    at += size;
  }
}

/** The whole disk, after a check that its pieces come in rising order. */
async function diskOf(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  let disk = Buffer.alloc(0);
  let end = 0;
  const onCapacity = (capacityBytes: number) => {
    // As whoever knows the disk's size does.
    if (capacityBytes > largestBytes) throw new OsseaError('source.size-changed', 'too large');
    disk = Buffer.alloc(capacityBytes);
  };
  for await (const { offset, content } of readStreamVmdk(bytes, { label: 'db01, Hard disk 1', onCapacity })) {
    if (content.length === 0) continue;
    expect(offset).toBeGreaterThanOrEqual(end);
    end = offset + content.length;
    disk.set(content, offset);
  }
  return disk;
}

/** Disks of a few grains, with holes, that end anywhere in a grain. */
const disks = fc
  .tuple(
    fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 80 }),
    fc.integer({ min: 1, max: 8 }),
  )
  .map(([grains, lastSectors]) => {
    const disk = Buffer.alloc((grains.length - 1) * 4096 + lastSectors * sectorBytes);
    for (const [index, seed] of grains.entries()) {
      // Half of them cannot be compressed, so that grains of one block and of several come.
      const end = Math.min((index + 1) * 4096, disk.length);
      for (let at = index * 4096; at < end; at++) {
        disk[at] = seed % 2 === 0 ? seed : (Math.imul(at + seed, 2654435761) >>> 24) * Math.sign(seed);
      }
    }
    return disk;
  });

describe('a streamOptimized VMDK', () => {
  test('gives the disk that it was made of, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        disks,
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (disk, sizes, progress) => {
          expect((await diskOf(cut(writeStreamVmdk(disk, { progress }), sizes))).equals(disk)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that breaks off anywhere is told so, and to be read again', async () => {
    const stream = writeStreamVmdk(Buffer.alloc(100 * 4096, 'data'));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: stream.length - 1 }), async (length) => {
        await expect(diskOf(cut(stream.subarray(0, length), [700]))).rejects.toMatchObject({
          code: 'source.unavailable',
          retryable: true,
        });
      }),
      { numRuns: 60 },
    );
  });

  test('that is garbled gives the right disk or a typed error, never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(
        disks,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 6 }),
        async (disk, flips) => {
          const stream = writeStreamVmdk(disk);
          for (const [at, mask] of flips) stream[at % stream.length]! ^= mask;
          const outcome = await diskOf(cut(stream, [512, 90])).catch((error: unknown) => error);
          if (Buffer.isBuffer(outcome)) expect(outcome.equals(disk)).toBe(true);
          else expect(isOsseaError(outcome)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('of noise is refused at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 512, maxLength: 4096 }), async (noise) => {
        await expect(diskOf(cut(Buffer.from(noise), [100]))).rejects.toMatchObject({
          code: 'source.corrupt',
        });
      }),
    );
  });
});

describe('a hostile stream', () => {
  const disk = Buffer.alloc(40 * 4096, 'x');
  const firstGrain = 2 * sectorBytes;
  const refused: [string, (stream: Buffer) => void, RegExp][] = [
    [
      'a grain behind the end of the disk',
      (s) => s.writeBigUInt64LE(10n ** 9n, firstGrain),
      /behind the end/,
    ],
    ['a grain between two grains', (s) => s.writeBigUInt64LE(3n, firstGrain), /between two grains/],
    ['a grain of 4 GiB', (s) => s.writeUInt32LE(0xffff_ffff, firstGrain + 8), /compressed bytes/],
    ['a disk of 8 EiB', (s) => s.writeBigUInt64LE(2n ** 55n, 12), /capacity/],
    ['grains of 1 GiB', (s) => s.writeBigUInt64LE(2n ** 21n, 20), /grains have/],
    [
      'a grain that comes again',
      (s) => s.writeBigUInt64LE(0n, firstGrain + sectorBytes),
      /after a later one/,
    ],
    ['tables of 4 Gi entries', (s) => s.writeUInt32LE(0xffff_ffff, 44), /tables have/],
    ['a sparse VMDK without markers', (s) => s.writeUInt32LE(1, 8), /not of the streamOptimized kind/],
  ];
  test.each(refused)('with %s is refused', async (_name, spoil, message) => {
    const stream = writeStreamVmdk(disk);
    spoil(stream);
    await expect(diskOf(cut(stream, [999]))).rejects.toMatchObject({
      code: 'source.corrupt',
      message: expect.stringMatching(message),
    });
  });

  test('with a grain that inflates to more than a grain is refused', async () => {
    const stream = writeStreamVmdk(Buffer.alloc(65_536, 'x'), { grainBytes: 65_536 });
    stream.writeBigUInt64LE(8n, 20);
    await expect(diskOf(cut(stream, [999]))).rejects.toMatchObject({ code: 'source.corrupt' });
  });

  test('that lost a grain on its way is found out by the table behind it', async () => {
    const stream = writeStreamVmdk(disk);
    const without = Buffer.concat([
      stream.subarray(0, firstGrain + sectorBytes),
      stream.subarray(firstGrain + 2 * sectorBytes),
    ]);
    await expect(diskOf(cut(without, [999]))).rejects.toMatchObject({
      code: 'source.corrupt',
      message: expect.stringMatching(/table names/),
    });
  });

  test('that repeats its head for ever holds no more memory for it', async () => {
    const stream = writeStreamVmdk(disk);
    const mark = Buffer.alloc(sectorBytes);
    mark.writeUInt32LE(4, 12);
    async function* endless(): AsyncIterable<Uint8Array> {
      yield stream.subarray(0, firstGrain);
      const many = Buffer.concat(Array.from({ length: 2048 }, () => mark));
      for (let round = 0; round < 256; round++) yield many;
    }
    const before = process.memoryUsage().arrayBuffers;
    await expect(diskOf(endless())).rejects.toMatchObject({ code: 'source.unavailable' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
  });
});

describe('streams of others', () => {
  async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'stream-vmdk-'));
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('what qemu-img writes is read', async () => {
    await inFolder(async (folder) => {
      const raw = join(folder, 'raw');
      const vmdk = join(folder, 'vmdk');
      const content = Buffer.alloc(5 * 2 ** 20 + 3 * sectorBytes);
      for (let at = 0; at < content.length; at += 3 * 65_536) content.write(`at ${at}`, at + 40_000);
      content.write('the end', content.length - 7);
      await writeFile(raw, content);
      const form = ['-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized'];
      await promisify(execFile)('qemu-img', ['convert', ...form, raw, vmdk]);
      expect((await diskOf(createReadStream(vmdk, { highWaterMark: 10_001 }))).equals(content)).toBe(true);
      const whole = await readFile(vmdk);
      // Zeros fill the file up.
      const end = whole.findLastIndex((byte) => byte !== 0);
      await expect(diskOf(cut(whole.subarray(0, end - 100), [65_536]))).rejects.toMatchObject({
        code: 'source.unavailable',
      });
    });
  });
});
