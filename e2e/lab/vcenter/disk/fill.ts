import { createCipheriv, createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fraction } from '../../chaos/random.ts';
import type { DiskFill } from '../spec.ts';
import type { LayeredDisk } from './layeredDisk.ts';

const defaultClusterBytes = 1 << 20;

/** Writes what a disk holds at the start; holes are not touched. */
export async function fillDisk(disk: LayeredDisk, fill: DiskFill): Promise<void> {
  const cluster = fill.clusterBytes ?? defaultClusterBytes;
  const buffer = Buffer.alloc(cluster);
  for (let offset = 0; offset < disk.capacityBytes; offset += cluster) {
    if (fraction(fill.seed, 'cluster', offset) >= fill.dataFraction) continue;
    const piece = buffer.subarray(0, Math.min(cluster, disk.capacityBytes - offset));
    writePattern(piece, fill, offset);
    disk.current.write(offset, piece);
    await nextTurn();
  }
}

/** Copies a raw image onto the disk; blocks of zeros stay holes. */
export async function copyImage(disk: LayeredDisk, imageFile: string): Promise<void> {
  await using image = await open(imageFile, 'r');
  const { size } = await image.stat();
  if (size > disk.capacityBytes) {
    throw new Error(`${imageFile} holds ${size} bytes, more than the ${disk.capacityBytes} of ${disk.stem}`);
  }
  const buffer = Buffer.allocUnsafe(defaultClusterBytes);
  const zeros = Buffer.alloc(defaultClusterBytes);
  for (let offset = 0; offset < size; ) {
    const { bytesRead } = await image.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) throw new Error(`${imageFile} ends at ${offset}`);
    const piece = buffer.subarray(0, bytesRead);
    if (!piece.equals(zeros.subarray(0, bytesRead))) disk.current.write(offset, piece);
    offset += bytesRead;
  }
}

function writePattern(into: Buffer, fill: DiskFill, offset: number): void {
  switch (fill.pattern ?? 'random') {
    case 'zeros':
      into.fill(0);
      return;
    case 'text': {
      into.fill(`lab ${fill.seed} ${offset} the quick brown fox jumps over the lazy dog\n`);
      return;
    }
    case 'random': {
      into.set(randomBytes(`${fill.seed} ${offset}`, into.length));
    }
  }
}

/** Bytes that depend on the label alone, about as fast as memory. */
export function randomBytes(label: string, length: number): Buffer {
  const key = createHash('sha256').update(label).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}
