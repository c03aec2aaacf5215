import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OsseaError } from '../contract/index.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import { type CopyProgress, copyDisk } from './copyDisk.ts';
import { MemorySource, MemoryStream } from './memoryDisk.testing.ts';
import { replicaChunkBytes as chunkBytes, digestOf, Replica } from './replica.testing.ts';
import { RateLimiter } from './throttle.ts';
import { verifyReadback, verifySource } from './verify.ts';

/** Random data with holes, in pieces of any size. */
const contents = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.boolean()), { minLength: 1, maxLength: 8 })
  .map((pieces) =>
    Buffer.concat(pieces.map(([length, isData]) => (isData ? randomBytes(length) : Buffer.alloc(length)))),
  );

const broken = new OsseaError('source.unavailable', 'It broke off.', { retryable: true });
const wrong = new OsseaError('source.corrupt', 'Its checksum is wrong.');

/** Fails the first so many streams at an offset. */
function failing(content: Buffer, at: number, times: number, error: OsseaError): MemoryStream {
  const source = new MemoryStream(content);
  source.before = (offset) => {
    if (source.streams <= times && offset >= at) throw error;
  };
  return source;
}

describe('a copy from a stream', () => {
  test('brings any content and size, on a zero target and on a used one, the tail zeroed', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.integer({ min: 0, max: 300_000 }),
        fc.boolean(),
        async (content, tailBytes, isUsed) => {
          const deviceBytes = content.length + tailBytes;
          await using replica = await Replica.make(content.length, deviceBytes, isUsed ? 0xdd : undefined);
          const result = await copyDisk(replica.options(new MemoryStream(content)));
          const found = await replica.content();
          expect(found.subarray(0, content.length).equals(content)).toBe(true);
          expect(found.subarray(content.length).every((byte) => byte === 0)).toBe(true);
          expect(result.rereadBytes).toBe(0);
          expect(result.sourceDigest).toBe(digestOf(content));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('leaves what it has nothing of unwritten on a target that is known to be zero', async () => {
    const content = Buffer.alloc(40 * chunkBytes);
    randomBytes(4096).copy(content, 7 * chunkBytes + 4096);
    await using replica = await Replica.make(content.length);
    const last: CopyProgress[] = [];
    const onProgress = (progress: CopyProgress) => {
      last[0] = progress;
    };
    const result = await copyDisk(replica.options(new MemoryStream(content), { onProgress }));
    expect(result).toMatchObject({ readBytes: 4096, writtenBytes: chunkBytes, holeBytes: 39 * chunkBytes });
    expect(last[0]).toMatchObject({ plannedBytes: 4096, doneBytes: 4096 });
  });

  test('writes at the next point what differs, and no more: data, and what has become zeros', async () => {
    const content = randomBytes(30 * chunkBytes + 100);
    await using replica = await Replica.make(content.length);
    await copyDisk(replica.options(new MemoryStream(content)));
    content.fill(0, 4 * chunkBytes, 6 * chunkBytes);
    randomBytes(10).copy(content, 20 * chunkBytes);
    await replica.journal.beginPoint({ snapshot: 'snapshot-2' }, 'all');
    const result = await copyDisk(replica.options(new MemoryStream(content)));
    expect(result).toMatchObject({ writtenBytes: 3 * chunkBytes, differingChunks: 3 });
    expect(await replica.journal.writtenChunks()).toEqual([4, 5, 20]);
    expect((await replica.content()).equals(content)).toBe(true);
    expect(result.sourceDigest).toBe(digestOf(content));
  });

  test('obeys a bandwidth limit', async () => {
    const content = randomBytes(8 * chunkBytes);
    await using replica = await Replica.make(content.length);
    const startedAt = performance.now();
    await copyDisk(
      replica.options(new MemoryStream(content), { limiters: [new RateLimiter(content.length)] }),
    );
    expect(performance.now() - startedAt).toBeGreaterThan(600);
  });
});

describe('a stream that breaks off', () => {
  test('is read again from its start, and what is equal already is not written again', async () => {
    const content = randomBytes(24 * chunkBytes);
    await using replica = await Replica.make(content.length);
    const source = failing(content, 20 * chunkBytes, 2, broken);
    const result = await copyDisk(replica.options(source));
    expect(source.streams).toBe(3);
    expect(result).toMatchObject({ writtenBytes: content.length, differingChunks: 0 });
    expect(result.rereadBytes).toBe(2 * 20 * chunkBytes);
    expect(await replica.journal.writtenChunks()).toHaveLength(24);
    expect((await replica.content()).equals(content)).toBe(true);
  });

  test('at the same place each time ends in its error; one that gets further goes on', async () => {
    const content = randomBytes(12 * chunkBytes);
    await using replica = await Replica.make(content.length);
    const stuck = failing(content, 3 * chunkBytes, 100, broken);
    await expect(copyDisk(replica.options(stuck, { stallReconnects: 1 }))).rejects.toThrow(broken);
    expect(stuck.streams).toBe(2);
    const slow = new MemoryStream(content);
    slow.before = (offset) => {
      if (slow.streams < 5 && offset >= (3 + slow.streams) * chunkBytes) throw broken;
    };
    await copyDisk(replica.options(slow, { stallReconnects: 1 }));
    expect((await replica.content()).equals(content)).toBe(true);
  });

  test('by silence is a stall, and read again', async () => {
    const content = randomBytes(6 * chunkBytes);
    await using replica = await Replica.make(content.length);
    const source = new MemoryStream(content);
    source.before = (offset) =>
      source.streams === 1 && offset >= 3 * chunkBytes ? new Promise<void>(() => undefined) : undefined;
    await copyDisk(replica.options(source, { stallSeconds: 0.2 }));
    expect(source.streams).toBe(2);
    expect((await replica.content()).equals(content)).toBe(true);
    source.before = () => new Promise<void>(() => undefined);
    await replica.journal.beginPoint({ snapshot: 'snapshot-2' }, 'all');
    await expect(
      copyDisk(replica.options(source, { stallSeconds: 0.2, stallReconnects: 1 })),
    ).rejects.toMatchObject({ code: 'source.stalled', retryable: true });
  });

  // A busy machine may be late once.
  test('is left within a second by a cancel, although it says nothing', { retry: 3 }, async () => {
    const content = randomBytes(6 * chunkBytes);
    await using replica = await Replica.make(content.length);
    const source = new MemoryStream(content);
    const silent = Promise.withResolvers<void>();
    source.before = (offset) => {
      if (offset < 3 * chunkBytes) return;
      silent.resolve();
      return new Promise<void>(() => undefined);
    };
    const cancel = new AbortController();
    const copy = copyDisk(replica.options(source, { signal: cancel.signal }));
    const ended = expect(copy).rejects.toMatchObject({ code: 'copy.cancelled' });
    await silent.promise;
    const cancelledAt = performance.now();
    cancel.abort();
    await ended;
    expect(performance.now() - cancelledAt).toBeLessThan(1000);
  });
});

describe('a stream that turns out wrong at its end', () => {
  test('is read again once, and nothing of it counts until one was right', async () => {
    const content = randomBytes(10 * chunkBytes);
    const garbled = Buffer.from(content);
    garbled[4 * chunkBytes]! ^= 1;
    await using replica = await Replica.make(content.length);
    const bad = failing(garbled, garbled.length, 100, wrong);
    await expect(copyDisk(replica.options(bad))).rejects.toThrow(wrong);
    expect(bad.streams).toBe(2);
    expect(replica.journal.isStreaming).toBe(true);
    const result = await copyDisk(replica.options(new MemoryStream(content)));
    expect(result.differingChunks).toBe(1);
    expect((await replica.content()).equals(content)).toBe(true);
    expect(replica.journal.isStreaming).toBe(false);
  });

  test('is not the base of a delta, nor of a copy at random', async () => {
    const content = randomBytes(10 * chunkBytes);
    const garbled = Buffer.from(content);
    garbled[4 * chunkBytes]! ^= 1;
    await using replica = await Replica.make(content.length);
    await expect(copyDisk(replica.options(failing(garbled, garbled.length, 100, wrong)))).rejects.toThrow(
      wrong,
    );
    const source = new MemorySource(content);
    await copyDisk(replica.options(source));
    expect(source.readBytes).toBe(content.length);
    expect((await replica.content()).equals(content)).toBe(true);

    await replica.journal.beginPoint({ snapshot: 'snapshot-2' }, 'all');
    await expect(copyDisk(replica.options(failing(garbled, garbled.length, 100, wrong)))).rejects.toThrow(
      wrong,
    );
    await replica.journal.beginPoint({ snapshot: 'snapshot-3' }, []);
    await copyDisk(replica.options(new MemorySource(content)));
    expect((await replica.content()).equals(content)).toBe(true);
  });
});

test.each([
  ['a stream', (content: Buffer) => new MemoryStream(content)],
  ['a read at random', (content: Buffer) => new MemorySource(content)],
])(
  'what an interrupted stream got wrong is gone also where the disk has zeros, after %s',
  async (_name, rightOf) => {
    const content = Buffer.concat([
      randomBytes(chunkBytes),
      Buffer.alloc(2 * chunkBytes),
      randomBytes(chunkBytes),
    ]);
    const garbled = Buffer.from(content);
    garbled.fill(0xdd, chunkBytes, 2 * chunkBytes);
    garbled.fill(0xdd, 2 * chunkBytes + 5000, 2 * chunkBytes + 6000);
    await using replica = await Replica.make(content.length);
    const stop = new AbortController();
    const bad = new MemoryStream(garbled);
    bad.before = async (offset) => {
      if (offset < garbled.length) return;
      // Ended as by a kill: what was written is there, and the journal does not know of it.
      await expect.poll(async () => (await replica.content())[2 * chunkBytes + 5000]).toBe(0xdd);
      stop.abort();
    };
    await expect(copyDisk(replica.options(bad, { signal: stop.signal }))).rejects.toMatchObject({
      code: 'copy.cancelled',
    });
    await copyDisk(replica.options(rightOf(content)));
    expect((await replica.content()).equals(content)).toBe(true);
  },
);

test('a copy that came to its end is not streamed again', async () => {
  const content = randomBytes(4 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const source = new MemoryStream(content);
  const first = await copyDisk(replica.options(source));
  const again = await copyDisk(replica.options(source));
  expect(source.streams).toBe(1);
  expect(again.sourceDigest).toBe(first.sourceDigest);
});

test('a target without space ends the stream at once, with its own error', async () => {
  const content = randomBytes(20 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const full = new OsseaError('target.full', 'No space left.', { retryable: true });
  let room = 5;
  const { target } = replica;
  const small: TargetDevice = {
    sizeBytes: target.sizeBytes,
    knownZero: true,
    write: async (offset, buffers) => {
      if (--room < 0) throw full;
      await target.write(offset, buffers);
    },
    writeZeros: (offset, length) => target.writeZeros(offset, length),
    read: (offset, into) => target.read(offset, into),
    flush: () => target.flush(),
    dropCache: () => target.dropCache(),
    close: () => target.close(),
    [Symbol.asyncDispose]: () => target.close(),
  };
  const source = new MemoryStream(content);
  await expect(copyDisk({ ...replica.options(source), target: small })).rejects.toThrow(full);
  expect(source.streams).toBe(1);
  room = 100;
  const result = await copyDisk({ ...replica.options(source), target: small });
  expect((await replica.content()).equals(content)).toBe(true);
  expect(result.writtenBytes).toBe(content.length);
});

describe('a verification against a stream', () => {
  test('finds what changed-block tracking left out, and heals just that', async () => {
    const content = randomBytes(16 * chunkBytes);
    await using replica = await Replica.make(content.length);
    await copyDisk(replica.options(new MemoryStream(content)));
    randomBytes(100).copy(content, 9 * chunkBytes);
    const source = new MemoryStream(content);
    const reported = await verifySource({ ...replica.options(source), heal: false });
    expect(reported).toMatchObject({ verified: false, mismatchedChunks: 1, healedChunks: 0 });
    await copyDisk(replica.options(source));
    const healed = await verifySource({ ...replica.options(source), heal: true });
    expect(healed).toMatchObject({ verified: true, mismatchedChunks: 0 });
    expect((await replica.content()).equals(content)).toBe(true);
  });

  test('of the target heals from a stream what the storage lost', async () => {
    const content = randomBytes(16 * chunkBytes);
    await using replica = await Replica.make(content.length);
    const source = new MemoryStream(content);
    await copyDisk(replica.options(source));
    await replica.target.write(3 * chunkBytes + 7, [Buffer.from('lost')]);
    const result = await verifyReadback(replica.options(source));
    expect(result).toMatchObject({ verified: true, mismatchedChunks: 1, healedChunks: 1 });
    expect((await replica.content()).equals(content)).toBe(true);
  });
});
