import { open, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chunkDigest, zeroDigest } from './digest.ts';
import { chunkBytesFor, type Journal, openJournal } from './journal.ts';
import { recordBytes, recordsOffset, slotBytes } from './journalFormat.ts';
import { temporaryFolder } from './testFolder.testing.ts';

const chunkBytes = 64 * 1024;
const identity = { volumeId: 'volume-1', capacityBytes: 10 * chunkBytes + 1, chunkBytes };
const digest = chunkDigest(Buffer.from('content'));

async function finishAll(journal: Journal): Promise<void> {
  await journal.finish(
    Array.from({ length: journal.chunkCount }, (_, index) => ({
      index,
      digest: index === 3 ? zeroDigest(chunkBytes) : digest,
      zero: index === 3,
      written: true,
    })),
  );
}

test('a journal that was closed says the same when it is opened again', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'journals', 'disk.journal');
  let wholeDigest: string;
  {
    await using journal = await openJournal(path, identity);
    expect(journal.point).toBeUndefined();
    expect(journal.chunkCount).toBe(11);
    await journal.noteTarget(true);
    await journal.beginPoint({ snapshot: 'snapshot-1', changeId: '52 de/7' }, 'all');
    await finishAll(journal);
    wholeDigest = await journal.diskDigest();
    await journal.keepCounters({ ...journal.counters, readBytes: 4711 });
  }
  await using journal = await openJournal(path, {
    volumeId: 'volume-1',
    capacityBytes: identity.capacityBytes,
  });
  expect(journal.point).toEqual({ snapshot: 'snapshot-1', changeId: '52 de/7' });
  expect(journal.isComplete).toBe(true);
  expect(journal.targetWasZero).toBe(true);
  expect(journal.counters.readBytes).toBe(4711);
  expect(await journal.diskDigest()).toBe(wholeDigest);
  expect(journal.summary()).toEqual({
    doneBytes: identity.capacityBytes,
    zeroBytes: chunkBytes,
    staleBytes: 0,
    unknownBytes: 0,
  });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('changed areas make exactly their chunks stale, also where they overlap or reach past the end', async () => {
  await using folder = await temporaryFolder();
  await using journal = await openJournal(join(folder.path, 'j'), identity);
  await journal.beginPoint({ snapshot: 'snapshot-1', changeId: 'a/1' }, 'all');
  await finishAll(journal);
  await journal.beginPoint({ snapshot: 'snapshot-2', changeId: 'a/2' }, [
    { offset: 2 * chunkBytes - 1, length: 2 },
    { offset: 2 * chunkBytes, length: 100 },
    { offset: 9 * chunkBytes + 5, length: 5 * chunkBytes },
  ]);
  const stale = Array.from({ length: 11 }, (_, index) => journal.stateOf(index) === 4);
  expect(stale.flatMap((is, index) => (is ? [index] : []))).toEqual([1, 2, 9, 10]);
  expect(journal.point?.changeId).toBe('a/2');
  expect(await journal.digestOf(1)).toEqual(Buffer.from(digest));
  await expect(journal.diskDigest()).rejects.toMatchObject({ code: 'copy.journal' });
});

test('the same point again changes nothing, so that a resumed copy goes on', async () => {
  await using folder = await temporaryFolder();
  await using journal = await openJournal(join(folder.path, 'j'), identity);
  await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
  await journal.finish([{ index: 0, digest, zero: false, written: true }]);
  await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
  expect(journal.summary().doneBytes).toBe(chunkBytes);
});

test('a damaged record reads as unknown, and its neighbours stay', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'j');
  {
    await using journal = await openJournal(path, identity);
    await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
    await finishAll(journal);
  }
  await overwrite(path, recordsOffset + 5 * recordBytes + 20, Buffer.from([1, 2, 3]));
  // A record that stands where another one belongs.
  const bytes = await readFile(path);
  await overwrite(
    path,
    recordsOffset + 7 * recordBytes,
    bytes.subarray(recordsOffset, recordsOffset + recordBytes),
  );
  await using journal = await openJournal(path, identity);
  const states = Array.from({ length: 11 }, (_, index) => journal.stateOf(index));
  expect(states).toEqual([2, 2, 2, 3, 2, 1, 2, 1, 2, 2, 2]);
});

test('a torn header leaves the one before it', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'j');
  {
    await using journal = await openJournal(path, identity);
    await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
    await finishAll(journal);
    await journal.beginPoint({ snapshot: 'snapshot-2' }, 'all');
  }
  // The third header was written to the second slot.
  await overwrite(path, slotBytes + 30, Buffer.from('torn'));
  await using journal = await openJournal(path, identity);
  expect(journal.point?.snapshot).toBe('snapshot-1');
  expect(journal.summary().staleBytes).toBe(identity.capacityBytes);
});

test('without any header nothing is believed, not even that the target is zero', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'j');
  {
    await using journal = await openJournal(path, identity);
    await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
    await finishAll(journal);
  }
  await overwrite(path, 0, Buffer.alloc(2 * slotBytes, 0x55));
  await using journal = await openJournal(path, identity);
  expect(journal.summary().unknownBytes).toBe(identity.capacityBytes);
  await journal.noteTarget(true);
  expect(journal.targetWasZero).toBe(false);
});

test('another volume, capacity or chunk size is refused by name', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'j');
  await (await openJournal(path, identity)).close();
  for (const other of [
    { ...identity, volumeId: 'volume-2' },
    { ...identity, capacityBytes: 2 * chunkBytes },
    { ...identity, chunkBytes: 2 * chunkBytes },
  ]) {
    await expect(openJournal(path, other)).rejects.toMatchObject({
      code: 'copy.journal',
      message: expect.stringContaining('volume-1'),
    });
  }
});

test('chunks grow with the disk, so that a small one can be resumed too', () => {
  expect(chunkBytesFor(1)).toBe(64 * 1024);
  expect(chunkBytesFor(64 * 1024 ** 2)).toBe(256 * 1024);
  expect(chunkBytesFor(1024 ** 3)).toBe(1024 ** 2);
  expect(chunkBytesFor(64 * 1024 ** 4)).toBe(1024 ** 2);
});

test('a journal of a terabyte opens quickly and holds little memory', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'j');
  const large = { volumeId: 'volume-1', capacityBytes: 1024 ** 4 };
  await (await openJournal(path, large)).close();
  const before = process.memoryUsage();
  await using journal = await openJournal(path, large);
  await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
  const after = process.memoryUsage();
  expect(journal.chunkCount).toBe(1024 ** 2);
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(4 * 1024 ** 2);
  expect((await stat(path)).size).toBeLessThan(1024 ** 2);
});

async function overwrite(path: string, offset: number, bytes: Buffer): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, offset);
}

test('pitfall 23: of a disk that has grown the old part stays known, and nothing is known of the rest', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'j');
  {
    await using journal = await openJournal(path, identity);
    await journal.noteTarget(true);
    await journal.beginPoint({ snapshot: 'snapshot-1', changeId: 'a/1' }, 'all');
    await finishAll(journal);
  }
  await using journal = await openJournal(path, { volumeId: 'volume-1', capacityBytes: 14 * chunkBytes });
  expect(journal.chunkCount).toBe(14);
  expect(journal.point?.changeId).toBe('a/1');
  // The old last chunk held one byte: its digest is not that of a whole chunk.
  expect(journal.summary()).toMatchObject({ doneBytes: 10 * chunkBytes, unknownBytes: 4 * chunkBytes });
  expect(Array.from({ length: 14 }, (_, index) => journal.holdsZeros(index))).not.toContain(true);
  expect(await journal.digestOf(2)).toEqual(Buffer.from(digest));
  await expect(
    openJournal(path, { volumeId: 'volume-1', capacityBytes: identity.capacityBytes }),
  ).rejects.toMatchObject({ code: 'copy.journal' });
});

test('a journal tells which chunks the current point wrote, over a restart', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'j');
  {
    await using journal = await openJournal(path, identity);
    await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
    await finishAll(journal);
    await journal.beginPoint({ snapshot: 'snapshot-2' }, [{ offset: 0, length: 6 * chunkBytes }]);
    const chunk = (index: number, written: boolean) => ({ index, digest, zero: false, written });
    await journal.finish([chunk(0, true), chunk(1, false), chunk(2, false), chunk(5, true)]);
  }
  await using journal = await openJournal(path, identity);
  expect(await journal.writtenChunks()).toEqual([0, 5]);
});

test('a volume that was imported under another id keeps its journal, and no other does', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'j');
  {
    await using journal = await openJournal(path, identity);
    await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
    await finishAll(journal);
  }
  const stranger = { ...identity, volumeId: 'volume-3', formerVolumeIds: ['volume-2'] };
  await expect(openJournal(path, stranger)).rejects.toMatchObject({ code: 'copy.journal' });
  const imported = { ...identity, volumeId: 'volume-2', formerVolumeIds: ['volume-0', 'volume-1'] };
  await (await openJournal(path, imported)).close();
  await expect(openJournal(path, identity)).rejects.toMatchObject({ code: 'copy.journal' });
  await using journal = await openJournal(path, { ...identity, volumeId: 'volume-2' });
  expect(journal.isComplete).toBe(true);
  expect(journal.point?.snapshot).toBe('snapshot-1');
});

test('a full disk of the appliance is told as such, with what to do, and may pass', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'journal');
  await symlink('/dev/full', path);
  await expect(openJournal(path, { volumeId: 'v1', capacityBytes: 2 ** 30 })).rejects.toMatchObject({
    code: 'agent.disk-full',
    retryable: true,
    message: expect.stringContaining(path),
  });
});
