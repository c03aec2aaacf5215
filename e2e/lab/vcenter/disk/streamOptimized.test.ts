import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { firstDifference } from './compare.ts';
import { fillDisk, randomBytes } from './fill.ts';
import { LayeredDisk } from './layeredDisk.ts';
import { streamOptimized } from './streamOptimized.ts';

test('qemu-img reads the stream as the content of the snapshot', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lab-stream-'));
  try {
    const disk = new LayeredDisk(folder, 'disk', (40 << 20) + 512);
    await fillDisk(disk, { seed: 3, dataFraction: 0.3 });
    disk.current.write((40 << 20) + 100, Buffer.from('the last sector'));
    const frozen = disk.freeze('s1');
    disk.current.write(0, randomBytes('later', 65_536));
    for (const [layer, name] of [
      [frozen, 'frozen'],
      [disk.current, 'current'],
    ] as const) {
      const stream = join(folder, `${name}.vmdk`);
      await pipeline(Readable.from(streamOptimized(layer, 'disk-0.vmdk')), createWriteStream(stream));
      const raw = join(folder, `${name}.raw`);
      await promisify(execFile)('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', stream, raw]);
      expect(await firstDifference(layer, raw)).toBeUndefined();
    }
    disk.remove();
  } finally {
    await rm(folder, { recursive: true });
  }
});
