import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Layer } from './layer.ts';

const sliceBytes = 1 << 20;

/** SHA-256 of the whole content, hex. */
export async function digestOf(layer: Layer): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(sliceBytes);
  for (let offset = 0; offset < layer.capacityBytes; offset += sliceBytes) {
    const piece = buffer.subarray(0, Math.min(sliceBytes, layer.capacityBytes - offset));
    layer.read(offset, piece);
    hash.update(piece);
    await nextTurn();
  }
  return hash.digest('hex');
}

/**
 * Compares with a file or block device from its start.
 * @returns offset of the first byte that differs, which is the file's end where it is shorter; undefined when none does
 */
export async function firstDifference(layer: Layer, path: string): Promise<number | undefined> {
  await using file = await open(path, 'r');
  const ours = Buffer.allocUnsafe(sliceBytes);
  const theirs = Buffer.allocUnsafe(sliceBytes);
  for (let offset = 0; offset < layer.capacityBytes; ) {
    const length = Math.min(sliceBytes, layer.capacityBytes - offset);
    const { bytesRead } = await file.read(theirs, 0, length, offset);
    if (bytesRead === 0) return offset;
    const expected = ours.subarray(0, bytesRead);
    layer.read(offset, expected);
    if (!expected.equals(theirs.subarray(0, bytesRead))) {
      return offset + expected.findIndex((byte, index) => byte !== theirs[index]);
    }
    offset += bytesRead;
  }
  return undefined;
}
