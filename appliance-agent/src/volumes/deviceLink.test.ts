import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VolumeId } from '../contract/index.ts';
import { deviceLinkNames, findDevice, waitForDevice, waitForNoDevice } from './deviceLink.ts';

const volumeId = VolumeId.parse('B1CE8C13-72e7-44d5-869d-36fb40f756a4');
const never = new AbortController().signal;
let folder: string;
let disk: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'ossea-links-')));
  disk = join(folder, 'vdc');
  await writeFile(disk, '');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('pitfall 18: the device of a volume', () => {
  it('has the first 20 hex digits of the UUID in its name, on every controller', async () => {
    const names = deviceLinkNames(volumeId);
    expect(names).toEqual([
      'virtio-b1ce8c1372e744d5869d',
      'scsi-0QEMU_QEMU_HARDDISK_b1ce8c1372e744d5869d',
      'scsi-b1ce8c1372e744d5869d',
    ]);
    for (const name of names) {
      await symlink(disk, join(folder, name));
      expect(await findDevice(folder, volumeId)).toEqual({ linkPath: join(folder, name), realPath: disk });
      await rm(join(folder, name));
    }
  });

  it('is not a link that leads nowhere', async () => {
    await symlink(join(folder, 'gone'), join(folder, deviceLinkNames(volumeId)[0]!));
    expect(await findDevice(folder, volumeId)).toBeUndefined();
  });

  it('is seen when it comes and when it goes, also where the directory comes with it', async () => {
    const deviceDir = join(folder, 'by-id');
    const link = join(deviceDir, deviceLinkNames(volumeId)[0]!);
    const coming = waitForDevice(deviceDir, volumeId, 10_000, never);
    await mkdir(deviceDir);
    await symlink(disk, link);
    expect(await coming).toEqual({ linkPath: link, realPath: disk });

    const going = waitForNoDevice(deviceDir, volumeId, 10_000, never);
    await rm(link);
    expect(await going).toBe(true);
  });

  it('is waited for no longer than told', async () => {
    expect(await waitForDevice(folder, volumeId, 30, never)).toBeUndefined();
    const stop = new AbortController();
    const waiting = waitForDevice(folder, volumeId, 60_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
