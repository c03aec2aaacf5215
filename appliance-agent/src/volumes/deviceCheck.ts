import { constants } from 'node:fs';
import { type FileHandle, glob, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OsseaError } from '../contract/index.ts';
import { deviceSerial, type FoundDevice } from './deviceLink.ts';
import type { VolumeRecord } from './volumeRecords.ts';

export interface CheckedDevice {
  /** Size in bytes as the kernel has it. */
  readonly sizeBytes: number;
  /** True for a file that has no block of data yet, which therefore reads as zeros. */
  readonly empty: boolean;
}

/**
 * Makes sure that a found device is the record's volume, that it can hold the disk, and that nobody uses it.
 * @throws OsseaError volume.device-mismatch, volume.device-busy, volume.too-small
 */
export async function checkDevice(record: VolumeRecord, device: FoundDevice): Promise<CheckedDevice> {
  const handle = await openExclusively(record, device);
  try {
    const stat = await handle.stat({ bigint: true });
    const isBlockDevice = stat.isBlockDevice();
    if (!isBlockDevice && !stat.isFile()) {
      throw mismatch(record, device, 'it is neither a block device nor a file');
    }
    let sizeBytes = Number(stat.size);
    if (isBlockDevice) {
      const folder = kernelFolder(stat.rdev);
      await checkSerial(record, device, folder);
      // `stat` says 0 of a block device; the kernel counts in sectors of 512 bytes whatever the disk's are.
      sizeBytes = Number(await readFile(join(folder, 'size'), 'utf8')) * 512;
    } else {
      await checkNoLoopDevice(record, device);
    }
    if (sizeBytes < record.requestedBytes) {
      throw new OsseaError(
        'volume.too-small',
        `The device ${device.realPath} of ${record.name} has ${sizeBytes} bytes, the disk ${record.diskLabel} of ${record.vmName} needs ${record.requestedBytes}.`,
        { remedy: 'Choose a disk offering with a custom size, remove this replica and replicate again.' },
      );
    }
    return { sizeBytes, empty: !isBlockDevice && stat.blocks === 0n };
  } finally {
    await handle.close();
  }
}

/**
 * Makes sure that nobody uses the device before it is pulled away.
 * @throws OsseaError volume.device-busy
 */
export async function checkUnused(record: VolumeRecord, device: FoundDevice): Promise<void> {
  const handle = await openExclusively(record, device);
  const stat = await handle.stat().finally(() => handle.close());
  if (stat.isFile()) await checkNoLoopDevice(record, device);
}

/** `O_EXCL` on a block device fails when it, or a partition of it, is mounted, swapped to, or held by another driver. */
async function openExclusively(record: VolumeRecord, device: FoundDevice): Promise<FileHandle> {
  try {
    return await open(device.linkPath, constants.O_RDONLY | constants.O_EXCL);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EBUSY') throw busy(record, device, 'it is mounted or held by another driver');
    throw new OsseaError(
      'volume.device-missing',
      `The device ${device.linkPath} of ${record.name} cannot be opened: ${String(code ?? error)}.`,
      {
        remedy: 'Check that the agent runs with the right to open block devices, then try again.',
        retryable: true,
        cause: error,
      },
    );
  }
}

/** `/sys/dev/block/<major>:<minor>`; the packing of the number is glibc's `makedev`. */
function kernelFolder(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `/sys/dev/block/${major}:${minor}`;
}

/** virtio-blk tells its serial itself; a link that points to another disk is caught here. */
async function checkSerial(record: VolumeRecord, device: FoundDevice, folder: string): Promise<void> {
  if (record.volumeId === undefined) return;
  const told = await readFile(join(folder, 'serial'), 'utf8').catch(() => '');
  const serial = told.trim().toLowerCase();
  const expected = deviceSerial(record.volumeId);
  if (serial && serial !== expected)
    throw mismatch(record, device, `its serial is ${serial}, not ${expected}`);
}

async function checkNoLoopDevice(record: VolumeRecord, device: FoundDevice): Promise<void> {
  for await (const path of glob('/sys/devices/virtual/block/loop*/loop/backing_file')) {
    const backing = (await readFile(path, 'utf8').catch(() => '')).trim();
    if (backing === device.realPath) throw busy(record, device, `${path.split('/')[5]} uses it`);
  }
}

/**
 * Makes sure that no other volume of ours goes to the same device.
 * @throws OsseaError volume.device-mismatch
 */
export function checkNotShared(
  record: VolumeRecord,
  device: FoundDevice,
  others: readonly { readonly record: VolumeRecord; readonly device: FoundDevice }[],
): void {
  const twin = others.find(
    (other) => other.record.id !== record.id && other.device.realPath === device.realPath,
  );
  if (twin) throw mismatch(record, device, `${device.realPath} is also the device of ${twin.record.name}`);
}

function mismatch(record: VolumeRecord, device: FoundDevice, reason: string): OsseaError {
  return new OsseaError(
    'volume.device-mismatch',
    `${device.linkPath} is not the device of ${record.name}: ${reason}.`,
    { remedy: 'Nothing was written. Detach the volume, see that its link vanishes, and try again.' },
  );
}

function busy(record: VolumeRecord, device: FoundDevice, reason: string): OsseaError {
  return new OsseaError(
    'volume.device-busy',
    `The device ${device.realPath} of ${record.name} is in use: ${reason}.`,
    { remedy: `Unmount it (see lsblk ${device.realPath}), then try again.`, retryable: true },
  );
}
