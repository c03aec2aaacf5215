import { execFile } from 'node:child_process';
import { mkdir, open, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dropBytes, openDeviceTarget } from './deviceTarget.ts';
import { temporaryFolder } from './testFolder.testing.ts';

const run = promisify(execFile);
const MiB = 1024 ** 2;
const isRoot = process.getuid?.() === 0;

async function makeFile(path: string, sizeBytes: number, fill = 0): Promise<void> {
  await writeFile(path, '');
  if (fill === 0) await truncate(path, sizeBytes);
  else await writeFile(path, Buffer.alloc(sizeBytes, fill));
}

/** A real block device over a file. */
async function loopDevice(image: string): Promise<AsyncDisposable & { readonly path: string }> {
  const { stdout } = await run('losetup', ['--find', '--show', image]);
  const path = stdout.trim();
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run('losetup', ['--detach', path]);
    },
  };
}

describe.each(['file', 'block device'])('a %s', (kind) => {
  test.skipIf(kind === 'block device' && !isRoot)(
    'writes, zeroes and reads at any offset and length',
    async () => {
      await using folder = await temporaryFolder();
      const image = join(folder.path, 'image');
      const sizeBytes = 64 * MiB;
      await makeFile(image, sizeBytes, 0xaa);
      await using device = kind === 'file' ? undefined : await loopDevice(image);
      const link = join(folder.path, 'virtio-0123456789abcdef0123');
      await symlink(device?.path ?? image, link);
      const expected = Buffer.alloc(sizeBytes, 0xaa);
      await using target = await openDeviceTarget({ path: link, needBytes: sizeBytes, knownZero: false });
      expect(target.sizeBytes).toBe(sizeBytes);

      const pieces = [Buffer.alloc(5, 1), Buffer.alloc(70_000, 2), Buffer.alloc(1, 3)];
      await target.write(4097, pieces);
      Buffer.concat(pieces).copy(expected, 4097);
      for (const [offset, length] of [
        [100_001, 3],
        [8 * MiB + 1, 20 * MiB],
        [40 * MiB, 24 * MiB],
        [30 * MiB, 0],
      ] as const) {
        await target.writeZeros(offset, length);
        expected.fill(0, offset, offset + length);
      }
      await target.flush();
      await target.dropCache();
      const found = Buffer.alloc(sizeBytes);
      await target.read(0, found);
      expect(found.equals(expected)).toBe(true);
    },
  );
});

test('large ranges of zeros free the space of a file', async () => {
  await using folder = await temporaryFolder();
  const image = join(folder.path, 'image');
  await makeFile(image, 32 * MiB, 0xaa);
  const before = (await stat(image)).blocks;
  await using target = await openDeviceTarget({ path: image, needBytes: 1, knownZero: false });
  await target.writeZeros(0, 32 * MiB);
  expect((await stat(image)).blocks).toBeLessThan(before / 10);
});

test('a device smaller than the disk is refused with both sizes', async () => {
  await using folder = await temporaryFolder();
  const image = join(folder.path, 'image');
  await makeFile(image, MiB);
  await expect(openDeviceTarget({ path: image, needBytes: MiB + 1, knownZero: true })).rejects.toMatchObject({
    code: 'volume.too-small',
    message: expect.stringMatching(/1048576 bytes.*1048577/),
  });
});

test('a missing device and what is no device are told apart', async () => {
  await using folder = await temporaryFolder();
  const options = { needBytes: 1, knownZero: true };
  await expect(openDeviceTarget({ ...options, path: join(folder.path, 'none') })).rejects.toMatchObject({
    code: 'volume.device-missing',
  });
  await expect(openDeviceTarget({ ...options, path: '/dev/null' })).rejects.toMatchObject({
    code: 'volume.device-mismatch',
  });
});

test.skipIf(!isRoot)('pitfall 18: a block device that is in use is refused', async () => {
  await using folder = await temporaryFolder();
  const image = join(folder.path, 'image');
  await makeFile(image, 8 * MiB);
  await using device = await loopDevice(image);
  const options = { path: device.path, needBytes: MiB, knownZero: true };
  await using _first = await openDeviceTarget(options);
  await expect(openDeviceTarget(options)).rejects.toMatchObject({
    code: 'volume.device-busy',
    remedy: expect.stringContaining('lsblk'),
  });
});

test.skipIf(!isRoot)('a full target is told as such', async () => {
  await using folder = await temporaryFolder();
  const mount = join(folder.path, 'small');
  await mkdir(mount);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
  try {
    const image = join(mount, 'image');
    await makeFile(image, 4 * MiB);
    await using target = await openDeviceTarget({ path: image, needBytes: 4 * MiB, knownZero: true });
    await expect(target.write(0, [Buffer.alloc(2 * MiB, 1)])).rejects.toMatchObject({
      code: 'target.full',
      message: expect.stringContaining('offset 0, 2097152 bytes'),
    });
  } finally {
    await run('umount', [mount]);
  }
});

test('a device that shrank is an error, not a short read', async () => {
  await using folder = await temporaryFolder();
  const image = join(folder.path, 'image');
  await makeFile(image, MiB);
  await using target = await openDeviceTarget({ path: image, needBytes: MiB, knownZero: true });
  await truncate(image, 1000);
  await expect(target.read(0, Buffer.alloc(2000))).rejects.toMatchObject({ code: 'target.io' });
});

test('pitfall 14: a short write goes on at the byte where it stopped', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 })), fc.nat(), (buffers, seed) => {
      const whole = Buffer.concat(buffers);
      const written = whole.length === 0 ? 0 : seed % (whole.length + 1);
      expect(Buffer.concat(dropBytes(buffers, written))).toEqual(whole.subarray(written));
    }),
  );
});

test('a range outside of the device is refused before anything is touched', async () => {
  await using folder = await temporaryFolder();
  const image = join(folder.path, 'image');
  await makeFile(image, MiB);
  await using target = await openDeviceTarget({ path: image, needBytes: MiB, knownZero: true });
  await expect(target.write(MiB - 1, [Buffer.alloc(2)])).rejects.toThrow(RangeError);
  await expect(target.writeZeros(-1, 2)).rejects.toThrow(RangeError);
  await using file = await open(image);
  expect((await file.stat()).size).toBe(MiB);
});
