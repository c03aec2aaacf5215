import { randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { run } from './programs.ts';

const blockBytes = 1024 * 1024;

/**
 * Makes an image of random data. With `dataShare` below 1 the data lies in stretches of `stretchBytes`, evenly over the disk, and
 * the rest is holes.
 */
export async function makeImage(
  path: string,
  sizeBytes: number,
  dataShare: number,
  stretchBytes = blockBytes,
): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(sizeBytes);
  const stretch = Buffer.alloc(stretchBytes);
  for (let offset = 0; offset < sizeBytes; offset += Math.round(stretchBytes / dataShare)) {
    randomFillSync(stretch);
    await file.write(stretch, 0, Math.min(stretchBytes, sizeBytes - offset), offset);
  }
}

/** A fresh target: a file of holes. */
export async function makeTarget(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(sizeBytes);
}

/** Throws when two images differ. */
export async function mustBeEqual(one: string, other: string): Promise<void> {
  await run('cmp', [one, other]);
}
