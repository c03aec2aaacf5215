import type { FileHandle } from 'node:fs/promises';
import { runOn } from './inheritedFile.ts';

/** Below this a plain write is quicker than starting a program. */
const programFromBytes = 16 * 1024 * 1024;
const zeros = Buffer.alloc(1024 * 1024);
const zerosAtATime = 16;
/** What both programs and every block device can address. */
const alignment = 4096;

/**
 * Makes a range of an open file or block device read as zeros: by punching a hole where the storage guarantees zeros for it, by
 * BLKZEROOUT, or by writing.
 */
export async function zeroRange(
  handle: FileHandle,
  isBlockDevice: boolean,
  offset: number,
  length: number,
): Promise<void> {
  const end = offset + length;
  const from = Math.ceil(offset / alignment) * alignment;
  const to = end - (end % alignment);
  if (to - from < programFromBytes || !(await zeroByProgram(handle, isBlockDevice, from, to - from))) {
    await writeZeros(handle, offset, end);
    return;
  }
  await writeZeros(handle, offset, from);
  await writeZeros(handle, to, end);
}

/** True when one of util-linux's programs did it. Node cannot call fallocate(2) or ioctl(2) itself. */
async function zeroByProgram(
  handle: FileHandle,
  isBlockDevice: boolean,
  offset: number,
  length: number,
): Promise<boolean> {
  const range = ['--offset', `${offset}`, '--length', `${length}`];
  // On a block device the kernel punches only where the hardware promises zeros afterwards (blkdev_fallocate).
  if (await runOn(handle, 'fallocate', ['--punch-hole', ...range])) return true;
  // --force: we hold the device exclusively ourselves.
  return isBlockDevice && (await runOn(handle, 'blkdiscard', ['--zeroout', '--force', ...range]));
}

async function writeZeros(handle: FileHandle, from: number, to: number): Promise<void> {
  for (let at = from; at < to; ) {
    const buffers: Buffer[] = [];
    for (let planned = at; planned < to && buffers.length < zerosAtATime; planned += zeros.length) {
      buffers.push(zeros.subarray(0, Math.min(zeros.length, to - planned)));
    }
    at += (await handle.writev(buffers, at)).bytesWritten;
  }
}
