import { type FSWatcher, watch } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { VolumeId } from '../contract/index.ts';
import { orAborted } from './turns.ts';

/** How often the directory is looked at besides its change events, which not every file system sends. */
const pollMs = 500;

/** The disk's serial on KVM: the first 20 characters of the volume's UUID without dashes. */
export function deviceSerial(volumeId: VolumeId): string {
  return volumeId.replaceAll('-', '').slice(0, 20).toLowerCase();
}

/** The names that udev gives a disk of that serial, on virtio-blk and on virtio-scsi. */
export function deviceLinkNames(volumeId: VolumeId): string[] {
  const serial = deviceSerial(volumeId);
  return [`virtio-${serial}`, `scsi-0QEMU_QEMU_HARDDISK_${serial}`, `scsi-${serial}`];
}

export interface FoundDevice {
  /** The link by id; it names the volume as long as it exists. */
  readonly linkPath: string;
  /** What the link pointed to at this moment, such as `/dev/vdc`. Not to be kept. */
  readonly realPath: string;
}

/** The device of an attached volume; undefined while the kernel shows none. */
export async function findDevice(deviceDir: string, volumeId: VolumeId): Promise<FoundDevice | undefined> {
  for (const name of deviceLinkNames(volumeId)) {
    const linkPath = join(deviceDir, name);
    const realPath = await realpath(linkPath).catch(() => undefined);
    if (realPath !== undefined) return { linkPath, realPath };
  }
  return undefined;
}

/** The device as soon as it shows; undefined when the time is over. */
export async function waitForDevice(
  deviceDir: string,
  volumeId: VolumeId,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<FoundDevice | undefined> {
  return await watchUntil(deviceDir, () => findDevice(deviceDir, volumeId), timeoutMs, signal);
}

/** True as soon as the device is gone; false when the time is over. */
export async function waitForNoDevice(
  deviceDir: string,
  volumeId: VolumeId,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const gone = async () => ((await findDevice(deviceDir, volumeId)) ? undefined : true);
  return (await watchUntil(deviceDir, gone, timeoutMs, signal)) ?? false;
}

/** Looks at each change of the directory, and now and then, until something is found or the time is over. */
async function watchUntil<T>(
  directory: string,
  look: () => Promise<T | undefined>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  let wake = () => {};
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(directory, () => wake());
    watcher.on('error', () => wake());
  } catch {
    // The directory appears with its first link; until then polling must do.
  }
  try {
    for (;;) {
      const { promise: changed, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const found = await look();
      const leftMs = deadline - performance.now();
      if (found !== undefined || leftMs <= 0) return found;
      const timer = setTimeout(resolve, Math.min(pollMs, leftMs));
      await orAborted(changed, signal).finally(() => clearTimeout(timer));
    }
  } finally {
    watcher?.close();
  }
}
