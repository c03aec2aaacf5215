import { randomBytes } from 'node:crypto';
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyDisk } from './copyDisk.ts';
import { openDeviceTarget } from './deviceTarget.ts';
import { openJournal } from './journal.ts';
import { MemorySource } from './memoryDisk.testing.ts';
import { temporaryFolder } from './testFolder.testing.ts';
import { verifyReadback, verifySource } from './verify.ts';

const chunkBytes = 64 * 1024;
const { signal } = new AbortController();

/** A disk with data and holes, copied to a file. */
async function copied() {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'target');
  const content = randomBytes(20 * chunkBytes + 77);
  content.fill(0, 5 * chunkBytes, 8 * chunkBytes);
  await writeFile(path, '');
  await truncate(path, content.length);
  const target = await openDeviceTarget({ path, needBytes: content.length, knownZero: true });
  const journal = await openJournal(join(folder.path, 'journal'), {
    volumeId: 'volume-1',
    capacityBytes: content.length,
    chunkBytes,
  });
  await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
  const source = new MemorySource(content);
  const options = { source, target, journal, label: 'db01, Hard disk 1', signal };
  const { sourceDigest } = await copyDisk(options);
  return {
    path,
    content,
    options,
    sourceDigest,
    /** What a failing disk or a wrong hand does to the target. */
    corrupt: async (...offsets: number[]) => {
      await using file = await open(path, 'r+');
      for (const offset of offsets) await file.write(Buffer.from('corrupt'), 0, 7, offset);
    },
    [Symbol.asyncDispose]: async () => {
      await target.close();
      await journal.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a good copy verifies, with equal digests of source and target', async () => {
  await using disk = await copied();
  expect(await verifyReadback(disk.options)).toMatchObject({
    verifiedBytes: disk.content.length,
    holeBytes: 3 * chunkBytes,
    sourceDigest: disk.sourceDigest,
    targetDigest: disk.sourceDigest,
    mismatchedChunks: 0,
    healedChunks: 0,
    verified: true,
  });
  expect(await verifySource({ ...disk.options, heal: false })).toMatchObject({
    sourceDigest: disk.sourceDigest,
    verified: true,
  });
});

test('readback finds what the target lost, in data and in holes, and heals only that', async () => {
  await using disk = await copied();
  await disk.corrupt(3, 6 * chunkBytes + 100, 20 * chunkBytes + 1);
  const before = disk.options.source.readBytes;
  expect(await verifyReadback(disk.options)).toMatchObject({
    mismatchedChunks: 3,
    healedChunks: 3,
    verified: true,
    sourceDigest: disk.sourceDigest,
    targetDigest: disk.sourceDigest,
  });
  expect(disk.options.source.readBytes - before).toBe(chunkBytes + 77);
  expect((await readFile(disk.path)).equals(disk.content)).toBe(true);
});

test('without a source, readback reports and leaves the chunks to the next copy', async () => {
  await using disk = await copied();
  await disk.corrupt(2 * chunkBytes);
  const { source, ...without } = disk.options;
  const found = await verifyReadback(without);
  expect(found).toMatchObject({ mismatchedChunks: 1, healedChunks: 0, verified: false });
  expect(found.targetDigest).not.toBe(found.sourceDigest);
  expect(disk.options.journal.summary().unknownBytes).toBe(chunkBytes);
  await copyDisk(disk.options);
  expect((await verifyReadback(without)).verified).toBe(true);
  expect((await readFile(disk.path)).equals(disk.content)).toBe(true);
  expect(source.sizeBytes).toBe(disk.content.length);
});

test('pitfall 8: an area that changed-block tracking left out is found by the source, and healed', async () => {
  await using disk = await copied();
  disk.content.fill(9, 10 * chunkBytes, 10 * chunkBytes + 5);
  disk.content.fill(0, 15 * chunkBytes, 16 * chunkBytes);
  disk.content.fill(4, 6 * chunkBytes, 6 * chunkBytes + 1);
  await disk.options.journal.beginPoint({ snapshot: 'snapshot-2' }, []);
  expect((await copyDisk(disk.options)).readBytes).toBe(0);
  const source = new MemorySource(disk.content);

  const seen = await verifySource({ ...disk.options, source, heal: false });
  expect(seen).toMatchObject({ mismatchedChunks: 3, healedChunks: 0, verified: false });
  expect(seen.sourceDigest).not.toBe(seen.targetDigest);
  await copyDisk({ ...disk.options, source });
  expect((await readFile(disk.path)).equals(disk.content)).toBe(true);
});

test('verifySource heals what differs and proves it by reading back', async () => {
  await using disk = await copied();
  disk.content.fill(9, 10 * chunkBytes, 10 * chunkBytes + 5);
  await disk.corrupt(chunkBytes);
  const source = new MemorySource(disk.content);
  expect(await verifySource({ ...disk.options, source, heal: true })).toMatchObject({
    mismatchedChunks: 2,
    healedChunks: 2,
    verified: true,
  });
  expect((await readFile(disk.path)).equals(disk.content)).toBe(true);
});

test('an interrupted comparison goes on where it stopped, and still tells what it had found', async () => {
  await using disk = await copied();
  disk.content.fill(9, 0, 5);
  const source = new MemorySource(disk.content);
  source.beforeRead = async ({ offset }) => {
    if (offset === 15 * chunkBytes) throw new Error('interrupted');
  };
  const options = { ...disk.options, source, heal: true };
  await expect(verifySource(options)).rejects.toThrow('interrupted');
  const rest = new MemorySource(disk.content);
  const found = await verifySource({ ...options, source: rest });
  expect(found).toMatchObject({ mismatchedChunks: 1, healedChunks: 1, verified: true });
  expect(rest.readBytes).toBeLessThan(10 * chunkBytes);
});

test('a copy that is not complete is not verified', async () => {
  await using disk = await copied();
  await disk.options.journal.forget([4]);
  await expect(verifyReadback(disk.options)).rejects.toMatchObject({ code: 'copy.journal' });
  await expect(verifySource({ ...disk.options, heal: true })).rejects.toMatchObject({ code: 'copy.journal' });
});

test('after a delta only what it wrote is read back, and what it lost is healed', async () => {
  await using disk = await copied();
  const { journal } = disk.options;
  disk.content.fill(7, 2 * chunkBytes, 4 * chunkBytes);
  await journal.beginPoint({ snapshot: 'snapshot-2' }, [{ offset: 2 * chunkBytes, length: 4 * chunkBytes }]);
  await copyDisk(disk.options);
  // The first lies in what was written, the second does not.
  await disk.corrupt(3 * chunkBytes, 10 * chunkBytes);
  expect(await verifyReadback({ ...disk.options, onlyWritten: true })).toMatchObject({
    verifiedBytes: 2 * chunkBytes,
    targetDigest: undefined,
    mismatchedChunks: 1,
    healedChunks: 1,
    verified: true,
  });
  expect(await verifyReadback({ ...disk.options, source: undefined })).toMatchObject({
    mismatchedChunks: 1,
    verified: false,
  });
});
