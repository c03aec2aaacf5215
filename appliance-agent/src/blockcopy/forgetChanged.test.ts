import { randomBytes } from 'node:crypto';
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyDisk } from './copyDisk.ts';
import { openDeviceTarget } from './deviceTarget.ts';
import { forgetChanged } from './forgetChanged.ts';
import { openJournal } from './journal.ts';
import { MemorySource } from './memoryDisk.testing.ts';
import { temporaryFolder } from './testFolder.testing.ts';

const chunkBytes = 64 * 1024;
const { signal } = new AbortController();

test('what a guest wrote on a target is found by the digests, and the next copy writes that alone', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'target');
  const content = randomBytes(20 * chunkBytes + 77);
  content.fill(0, 5 * chunkBytes, 8 * chunkBytes);
  await writeFile(path, '');
  // The device is larger than the disk.
  await truncate(path, content.length + chunkBytes);
  await using target = await openDeviceTarget({ path, needBytes: content.length, knownZero: true });
  await using journal = await openJournal(join(folder.path, 'journal'), {
    volumeId: 'volume-1',
    capacityBytes: content.length,
    chunkBytes,
  });
  await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
  const source = new MemorySource(content);
  const options = { source, target, journal, label: 'db01, Hard disk 1', signal };
  await copyDisk(options);
  expect(await forgetChanged(options)).toBe(0);
  expect(journal.isComplete).toBe(true);

  await using file = await open(path, 'r+');
  // In data, in a hole, across two chunks, and behind the disk's end.
  for (const offset of [3, 6 * chunkBytes + 5, 10 * chunkBytes - 3, content.length + 10]) {
    await file.write(Buffer.from('a guest'), 0, 7, offset);
  }
  expect(await forgetChanged(options)).toBe(4);
  expect(await forgetChanged(options), 'a repetition finds the same').toBe(4);
  expect(journal.isComplete).toBe(false);

  const before = source.readBytes;
  await copyDisk(options);
  expect(source.readBytes - before).toBeLessThanOrEqual(4 * chunkBytes);
  const after = await readFile(path);
  expect(after.subarray(0, content.length).equals(content)).toBe(true);
  expect(
    after.subarray(content.length).every((byte) => byte === 0),
    'the space behind the end is zero again',
  ).toBe(true);
});
