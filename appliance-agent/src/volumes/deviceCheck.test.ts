import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CloudId, VolumeId } from '../contract/index.ts';
import { checkDevice, checkNotShared, checkUnused } from './deviceCheck.ts';
import type { FoundDevice } from './deviceLink.ts';
import type { VolumeRecord } from './volumeRecords.ts';

const run = promisify(execFile);
const mib = 1024 ** 2;
const sizeBytes = 8 * mib;

const record: VolumeRecord = {
  id: '2b4a6c1e-50f7-4d8e-9a11-6f2d3c4b5a69',
  targetId: 'f1c9b0c4-4b1d-4d43-8c5e-2f0c7c1a9e10',
  workloadId: '8f14e45f-ceea-4670-9b5c-1b2e3d4c5f60',
  workloadDiskId: '45c48cce-2e2d-4fbd-8a1b-0c9d8e7f6a50',
  vmName: 'web',
  diskLabel: 'Hard disk 1',
  name: 'ossea-web-Hard-disk-1-6f2d3c4b5a69',
  role: 'replica',
  state: 'attaching',
  volumeId: VolumeId.parse('b1ce8c13-72e7-44d5-869d-36fb40f756a4'),
  requestedBytes: sizeBytes,
  sizeBytes: 1024 * mib,
  zoneId: CloudId.parse('zone'),
  diskOfferingId: CloudId.parse('offering'),
  knownZero: true,
  createdAt: '2026-01-02T03:04:05.678Z',
};

let folder: string;
let file: string;
let undo: AsyncDisposableStack;

beforeEach(async () => {
  undo = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'ossea-check-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  file = join(folder, 'disk');
  await writeFile(file, '');
  await truncate(file, sizeBytes);
});

afterEach(() => undo.disposeAsync());

async function linkTo(realPath: string): Promise<FoundDevice> {
  const linkPath = join(folder, 'virtio-b1ce8c1372e744d5869d');
  await symlink(realPath, linkPath);
  return { linkPath, realPath };
}

/** A real block device over the file; undefined where the kernel gives none. */
async function loopDevice(): Promise<string | undefined> {
  const loop = await run('losetup', ['--find', '--show', file]).catch(() => undefined);
  const device = loop?.stdout.trim();
  if (device) undo.defer(async () => void (await run('losetup', ['--detach', device])));
  return device;
}

describe('checkDevice', () => {
  it('takes a file for what it is', async () => {
    expect(await checkDevice(record, await linkTo(file))).toEqual({ sizeBytes, empty: true });
    await writeFile(file, 'data', { flag: 'r+' });
    const device = { linkPath: file, realPath: file };
    expect(await checkDevice(record, device)).toEqual({ sizeBytes, empty: false });
  });

  it('reads the size of a block device, and refuses one that is smaller than the disk', async ({ skip }) => {
    const loop = await loopDevice();
    if (!loop) return skip('no loop devices here');
    const device = await linkTo(loop);
    expect(await checkDevice(record, device)).toEqual({ sizeBytes, empty: false });
    const larger = { ...record, requestedBytes: sizeBytes + 1 };
    await expect(checkDevice(larger, device)).rejects.toMatchObject({ code: 'volume.too-small' });
  });

  it('pitfall 18: refuses a device that is mounted', async ({ skip }) => {
    const loop = await loopDevice();
    if (!loop) return skip('no loop devices here');
    await run('mkfs.ext4', ['-q', loop]);
    const mountPoint = join(folder, 'mnt');
    await mkdir(mountPoint);
    await run('mount', [loop, mountPoint]);
    undo.defer(async () => void (await run('umount', [mountPoint])));
    const device = await linkTo(loop);
    await expect(checkDevice(record, device)).rejects.toMatchObject({ code: 'volume.device-busy' });
    await expect(checkUnused(record, device)).rejects.toMatchObject({ code: 'volume.device-busy' });
  });

  it('refuses what is neither a block device nor a file', async () => {
    await expect(checkDevice(record, await linkTo('/dev/zero'))).rejects.toMatchObject({
      code: 'volume.device-mismatch',
    });
  });

  it('refuses a link that leads nowhere with a remedy', async () => {
    await expect(checkDevice(record, await linkTo(join(folder, 'gone')))).rejects.toMatchObject({
      code: 'volume.device-missing',
      remedy: expect.any(String),
    });
  });
});

describe('pitfall 18: checkNotShared', () => {
  it('refuses a device that another volume has', async () => {
    const device = await linkTo(file);
    const other = { ...record, id: '6512bd43-d9ca-46e0-a3c4-8b1d2e3f4a5b', name: 'ossea-other' };
    expect(() => checkNotShared(record, device, [{ record: other, device }])).toThrow(
      /device of ossea-other/,
    );
    expect(() => checkNotShared(record, device, [{ record, device }])).not.toThrow();
  });
});
