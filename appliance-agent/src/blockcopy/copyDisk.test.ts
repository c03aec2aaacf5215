import { randomBytes } from 'node:crypto';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OsseaError } from '../contract/index.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import { startNbdkit } from '../nbd/nbdServer.testing.ts';
import { openNbdSource } from '../transports/nbdSource.ts';
import { type CopyProgress, copyDisk } from './copyDisk.ts';
import { MemorySource } from './memoryDisk.testing.ts';
import { digestOf, Replica, replicaChunkBytes } from './replica.testing.ts';
import { temporaryFolder } from './testFolder.testing.ts';
import { RateLimiter } from './throttle.ts';

const MiB = 1024 ** 2;
const chunkBytes = replicaChunkBytes;

const never = new AbortController().signal;

/** Random data with holes, in pieces of any size. */
const contents = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.boolean()), { minLength: 1, maxLength: 8 })
  .map((pieces) =>
    Buffer.concat(pieces.map(([length, isData]) => (isData ? randomBytes(length) : Buffer.alloc(length)))),
  );

test('pitfalls 11, 13, 25: any content and size arrives, on a zero target and on a used one, the tail zeroed', async () => {
  await fc.assert(
    fc.asyncProperty(
      contents,
      fc.integer({ min: 0, max: 300_000 }),
      fc.boolean(),
      fc.boolean(),
      async (content, tailBytes, isUsed, knowsHoles) => {
        await using replica = await Replica.make(
          content.length,
          content.length + tailBytes,
          isUsed ? 0xdd : undefined,
        );
        const source = new MemorySource(content, knowsHoles);
        const result = await copyDisk(replica.options(source));
        const found = await replica.content();
        expect(found.subarray(0, content.length).equals(content)).toBe(true);
        expect(found.subarray(content.length).every((byte) => byte === 0)).toBe(true);
        expect(result.readBytes).toBe(source.readBytes);
        expect(result.rereadBytes).toBe(0);
        expect(result.sourceDigest).toBe(digestOf(content));
      },
    ),
    { numRuns: 60 },
  );
});

test('pitfall 25: what a tenant before left behind the end of the disk is gone, also where the copy was cut short once', async () => {
  const content = randomBytes(3 * chunkBytes + 100);
  const deviceBytes = 2 * MiB;
  await using replica = await Replica.make(content.length, deviceBytes, 0xdd);
  const source = new MemorySource(content);
  source.beforeRead = () => Promise.reject(new OsseaError('source.unavailable', 'It is away.'));
  await expect(copyDisk(replica.options(source))).rejects.toMatchObject({ code: 'source.unavailable' });
  await copyDisk(replica.options(new MemorySource(content)));
  const found = await replica.content();
  expect(found.subarray(0, content.length).equals(content)).toBe(true);
  expect(found.subarray(content.length).every((byte) => byte === 0)).toBe(true);
});

test('holes are not read, and not written to a target that is known to be zero', async () => {
  const content = Buffer.alloc(40 * chunkBytes);
  randomBytes(chunkBytes).copy(content, 7 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const source = new MemorySource(content);
  const result = await copyDisk(replica.options(source));
  expect(source.readBytes).toBe(chunkBytes);
  expect(result).toMatchObject({ writtenBytes: chunkBytes, holeBytes: 39 * chunkBytes });
});

test('zeros that the source does not know of are read, but leave the target thin', async () => {
  const content = Buffer.alloc(40 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const result = await copyDisk(replica.options(new MemorySource(content, false)));
  expect(result).toMatchObject({ readBytes: content.length, writtenBytes: 0, holeBytes: content.length });
});

test('a real NBD export, copied by way of a loop of changed areas, reads and writes only these', async () => {
  await using folder = await temporaryFolder();
  const image = join(folder.path, 'image');
  const content = randomBytes(8 * MiB + 512);
  await writeFile(image, content);
  await using server = await startNbdkit('file', image);
  await using replica = await Replica.make(content.length, 9 * MiB);
  {
    await using source = await openNbdSource({ uri: server.uri, signal: never });
    await copyDisk(replica.options(source));
  }
  content.fill(7, 3 * MiB, 3 * MiB + 100);
  content.fill(0, 5 * MiB, 5 * MiB + chunkBytes);
  await writeFile(image, content);
  await replica.journal.beginPoint({ snapshot: 'snapshot-2' }, [
    { offset: 3 * MiB, length: 100 },
    { offset: 5 * MiB, length: chunkBytes },
    { offset: 6 * MiB, length: chunkBytes },
  ]);
  await using source = await openNbdSource({ uri: server.uri, signal: never });
  const result = await copyDisk(replica.options(source));
  expect(result).toMatchObject({ differingChunks: 2, writtenBytes: 2 * chunkBytes });
  expect(result.readBytes).toBe(3 * chunkBytes);
  expect((await replica.content()).subarray(0, content.length).equals(content)).toBe(true);
});

test('without changed areas the whole source is read, and only what differs written', async () => {
  const content = randomBytes(50 * chunkBytes);
  await using replica = await Replica.make(content.length);
  await copyDisk(replica.options(new MemorySource(content)));
  content.fill(1, 20 * chunkBytes, 20 * chunkBytes + 10);
  await replica.journal.beginPoint({ snapshot: 'snapshot-2' }, 'all');
  const result = await copyDisk(replica.options(new MemorySource(content)));
  expect(result).toMatchObject({
    readBytes: content.length,
    writtenBytes: chunkBytes,
    differingChunks: 1,
  });
  expect((await replica.content()).equals(content)).toBe(true);
});

test('pitfall 10: what was changed to a hole is zeroed on the target', async () => {
  const content = randomBytes(10 * chunkBytes);
  await using replica = await Replica.make(content.length);
  await copyDisk(replica.options(new MemorySource(content)));
  content.fill(0, 2 * chunkBytes, 9 * chunkBytes);
  await replica.journal.beginPoint({ snapshot: 'snapshot-2' }, [
    { offset: 2 * chunkBytes, length: 7 * chunkBytes },
  ]);
  const source = new MemorySource(content);
  await copyDisk(replica.options(source));
  expect(source.readBytes).toBe(0);
  expect((await replica.content()).equals(content)).toBe(true);
});

test('an error of the source ends the copy with that error, and the next run goes on', async () => {
  const content = randomBytes(100 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const source = new MemorySource(content);
  source.beforeRead = async ({ offset }) => {
    if (offset === 60 * chunkBytes) throw new OsseaError('source.io', `broken at ${offset}`);
  };
  await expect(copyDisk(replica.options(source))).rejects.toMatchObject({
    code: 'source.io',
    message: `broken at ${60 * chunkBytes}`,
  });
  const { doneBytes } = replica.journal.summary();
  expect(doneBytes).toBeGreaterThan(40 * chunkBytes);
  const again = new MemorySource(content);
  await copyDisk(replica.options(again));
  expect(again.readBytes).toBe(content.length - doneBytes);
  expect((await replica.content()).equals(content)).toBe(true);
});

test('an error of the target ends the copy with that error', async () => {
  const content = randomBytes(20 * chunkBytes);
  await using replica = await Replica.make(content.length);
  await truncate(replica.path, 0);
  const { target } = replica;
  const failing: TargetDevice = {
    sizeBytes: target.sizeBytes,
    knownZero: true,
    write: async (offset) => {
      throw new OsseaError('target.full', `no space at ${offset}`);
    },
    writeZeros: target.writeZeros.bind(target),
    read: target.read.bind(target),
    flush: target.flush.bind(target),
    dropCache: target.dropCache.bind(target),
    close: target.close.bind(target),
    [Symbol.asyncDispose]: target.close.bind(target),
  };
  const options = replica.options(new MemorySource(content), { target: failing });
  await expect(copyDisk(options)).rejects.toMatchObject({ code: 'target.full' });
  expect(replica.journal.summary().doneBytes).toBe(0);
});

test('pitfall 14: what a failed flush has dropped is written again, though the flush after it succeeds', async () => {
  const content = randomBytes(32 * MiB);
  await using replica = await Replica.make(content.length);
  const { target } = replica;
  const another = Promise.withResolvers<void>();
  let flushing = false;
  let failed = false;
  // As the kernel does (fsync(2)): what it could not write it takes for clean, and tells it once. Reads find the content until it leaves the cache.
  const dropping: TargetDevice = {
    sizeBytes: target.sizeBytes,
    knownZero: true,
    write: async (offset, buffers) => {
      if (failed) await target.write(offset, buffers);
      else if (flushing) another.resolve();
    },
    writeZeros: (offset, length) => target.writeZeros(offset, length),
    read: (offset, into) => target.read(offset, into),
    flush: async () => {
      if (failed) return target.flush();
      flushing = true;
      // What is written while it goes on falls with it.
      await another.promise;
      failed = true;
      throw new OsseaError('target.io', 'The device cannot be flushed: EIO.');
    },
    dropCache: () => target.dropCache(),
    close: () => target.close(),
    [Symbol.asyncDispose]: () => target.close(),
  };
  const options = { ...replica.options(new MemorySource(content)), target: dropping };
  await expect(copyDisk(options)).rejects.toMatchObject({ code: 'target.io' });
  await copyDisk(options);
  expect((await replica.content()).equals(content)).toBe(true);
});

test('pitfall 17: a silent source is reconnected, and the copy goes on', async () => {
  const content = randomBytes(30 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const source = new MemorySource(content);
  const wake = Promise.withResolvers<void>();
  source.reconnect = async () => {
    source.reconnects += 1;
    wake.resolve();
  };
  source.beforeRead = async ({ offset }) => {
    if (offset >= 10 * chunkBytes) await wake.promise;
  };
  await copyDisk(replica.options(source, { stallSeconds: 0.2 }));
  expect(source.reconnects).toBe(1);
  expect((await replica.content()).equals(content)).toBe(true);
});

test('pitfall 17: reads that fall with the dropped connection are repeated', async () => {
  const content = randomBytes(30 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const source = new MemorySource(content);
  const dropped = Promise.withResolvers<void>();
  source.reconnect = async () => {
    source.reconnects += 1;
    dropped.reject(new OsseaError('source.unavailable', 'the connection was dropped'));
  };
  source.beforeRead = async ({ offset }) => {
    if (offset >= 10 * chunkBytes && source.reconnects === 0) await dropped.promise;
  };
  await copyDisk(replica.options(source, { stallSeconds: 0.2 }));
  expect((await replica.content()).equals(content)).toBe(true);
});

test('pitfall 17: a source that stays silent is a typed stall, although its reads never end', async () => {
  const content = randomBytes(10 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const source = new MemorySource(content);
  source.beforeRead = () => new Promise(() => {});
  await expect(
    copyDisk(replica.options(source, { stallSeconds: 0.1, stallReconnects: 2 })),
  ).rejects.toMatchObject({ code: 'source.stalled', retryable: true });
  expect(source.reconnects).toBe(2);
});

/** A busy machine may be late once. */
const timed = { retry: 3 };

test('cancel takes effect within a second, although a read hangs', timed, async () => {
  const content = randomBytes(10 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const source = new MemorySource(content);
  const cancel = new AbortController();
  let cancelledAt = 0;
  source.beforeRead = ({ offset }) => {
    if (offset === 0) {
      cancelledAt = performance.now();
      queueMicrotask(() => cancel.abort());
    }
    return new Promise(() => {});
  };
  await expect(copyDisk(replica.options(source, { signal: cancel.signal }))).rejects.toMatchObject({
    code: 'copy.cancelled',
    message: expect.stringContaining('db01, Hard disk 1'),
  });
  expect(performance.now() - cancelledAt).toBeLessThan(1000);
});

test('cancel takes effect within a second, although the limit lets nothing through', timed, async () => {
  const content = randomBytes(10 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const limiter = new RateLimiter(1);
  const cancel = new AbortController();
  const source = new MemorySource(content);
  source.beforeRead = async () => queueMicrotask(() => cancel.abort());
  const startedAt = performance.now();
  const options = replica.options(source, { signal: cancel.signal, limiters: [new RateLimiter(), limiter] });
  await expect(copyDisk(options)).rejects.toMatchObject({ code: 'copy.cancelled' });
  expect(performance.now() - startedAt).toBeLessThan(1000);
});

test('limits of agent and job hold together, and can be lifted in mid-copy', async () => {
  const content = randomBytes(32 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const job = new RateLimiter(4 * MiB);
  const startedAt = performance.now();
  const copied = copyDisk(
    replica.options(new MemorySource(content), { limiters: [new RateLimiter(100 * MiB), job] }),
  );
  await copied;
  expect(performance.now() - startedAt).toBeGreaterThan(300);

  await using fast = await Replica.make(content.length);
  const slow = new RateLimiter(1000);
  const lifted = copyDisk(fast.options(new MemorySource(content), { limiters: [slow] }));
  slow.setRate(undefined);
  await lifted;
});

test('progress is told against what is to be read, and never runs backwards, also over runs', async () => {
  const content = Buffer.alloc(200 * chunkBytes);
  randomBytes(80 * chunkBytes).copy(content, 60 * chunkBytes);
  await using replica = await Replica.make(content.length);
  const told: CopyProgress[] = [];
  const onProgress = (progress: CopyProgress) => told.push(progress);
  const broken = new MemorySource(content);
  broken.beforeRead = async ({ offset }) => {
    if (offset === 100 * chunkBytes) throw new OsseaError('source.io', 'broken');
  };
  const limiters = [new RateLimiter(8 * MiB)];
  await expect(copyDisk(replica.options(broken, { onProgress, limiters }))).rejects.toThrow('broken');
  await copyDisk(replica.options(new MemorySource(content), { onProgress, limiters }));
  const last = told.at(-1)!;
  expect(last).toMatchObject({
    capacityBytes: content.length,
    plannedBytes: 80 * chunkBytes,
    doneBytes: 80 * chunkBytes,
  });
  expect(last.readBytes).toBe(80 * chunkBytes + last.rereadBytes);
  for (const [index, progress] of told.slice(1).entries()) {
    for (const name of ['readBytes', 'writtenBytes', 'skippedBytes', 'doneBytes', 'rereadBytes'] as const) {
      expect(progress[name]).toBeGreaterThanOrEqual(told[index]![name]);
    }
  }
  const shares = last.waits!;
  expect(shares.source + shares.digest + shares.target + shares.throttle).toBeCloseTo(1);
});

test('what does not belong together is refused before anything is written', async () => {
  const content = randomBytes(2 * chunkBytes);
  await using replica = await Replica.make(content.length);
  await expect(copyDisk(replica.options(new MemorySource(randomBytes(5))))).rejects.toMatchObject({
    code: 'source.size-changed',
  });
  await using small = await Replica.make(chunkBytes);
  const { target } = small;
  await expect(copyDisk({ ...replica.options(new MemorySource(content)), target })).rejects.toMatchObject({
    code: 'volume.too-small',
  });
  expect(replica.journal.summary().doneBytes).toBe(0);
});
