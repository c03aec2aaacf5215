import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Extent } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import { type NbdTestServer, startNbdkit, temporaryFolder } from '../nbd/nbdServer.testing.ts';
import { type NbdSourceOptions, openNbdSource } from './nbdSource.ts';

const MiB = 1024 * 1024;
const never = new AbortController().signal;

function open(server: NbdTestServer, options: Partial<NbdSourceOptions> = {}): Promise<SourceDisk> {
  return openNbdSource({
    uri: server.uri,
    label: 'web-1, Hard disk 1',
    recovery: { firstPauseMs: 20 },
    signal: never,
    ...options,
  });
}

/** True where the bytes are those of nbdkit's pattern plugin; the offset is a multiple of 8. */
function isPattern(offset: number, bytes: Buffer): boolean {
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    if (bytes.readBigUInt64BE(at) !== BigInt(offset + at)) return false;
  }
  return true;
}

async function readAll(disk: SourceDisk, step: number, onRead = () => {}): Promise<boolean> {
  const offsets = Array.from({ length: Math.ceil(disk.sizeBytes / step) }, (_, index) => index * step);
  const results = await Promise.all(
    offsets.map(async (offset) => {
      const into = Buffer.alloc(Math.min(step, disk.sizeBytes - offset));
      await disk.read(offset, into, never);
      onRead();
      return isPattern(offset, into);
    }),
  );
  return !results.includes(false);
}

test('reads a disk of odd size as it is', async () => {
  await using server = await startNbdkit('pattern', 'size=10486273');
  await using disk = await open(server, { expectedBytes: 10_486_273 });
  expect(disk.sizeBytes).toBe(10_486_273);
  expect(await readAll(disk, MiB)).toBe(true);
});

test('another size than expected is told with both numbers', async () => {
  await using server = await startNbdkit('pattern', 'size=1M');
  await expect(open(server, { expectedBytes: MiB + 512 })).rejects.toMatchObject({
    code: 'source.size-changed',
    message: expect.stringMatching(/1048576 bytes where 1049088/),
  });
});

test('an unreachable server is told at once, with the disk and the address', async () => {
  await expect(
    openNbdSource({ uri: 'nbd+unix:///?socket=/nowhere/nbd.sock', label: 'web-1', signal: never }),
  ).rejects.toMatchObject({
    code: 'source.unavailable',
    message: expect.stringMatching(/web-1.*\/nowhere\/nbd\.sock/),
  });
});

describe('recovery', () => {
  test('pitfall 16: reads go on where they were after the server was killed and came back', async () => {
    await using server = await startNbdkit('pattern', 'size=32M', '--filter=delay', 'delay-read=20ms');
    await using disk = await open(server);
    let reads = 0;
    const reading = readAll(disk, 256 * 1024, () => {
      reads += 1;
    });
    for (let kill = 1; kill <= 3; kill++) {
      await expect.poll(() => reads, { interval: 1 }).toBeGreaterThan(kill * 20);
      await server.restart();
    }
    expect(reads).toBeLessThan(128);
    expect(await reading).toBe(true);
  });

  test('a disk that came back with another size is not read', async () => {
    await using folder = await temporaryFolder();
    const size = `${folder.path}/size`;
    await writeFile(size, '1048576');
    await using server = await startNbdkit(
      'eval',
      `get_size=cat ${size}`,
      'pread=dd if=/dev/zero count=$3 iflag=count_bytes',
    );
    await using disk = await open(server);
    await writeFile(size, '2097152');
    await disk.reconnect();
    await expect(disk.read(0, Buffer.alloc(512), never)).rejects.toMatchObject({
      code: 'source.size-changed',
    });
  });

  test('errors that pass are repeated', async () => {
    await using server = await startNbdkit(
      'pattern',
      'size=16M',
      '--filter=error',
      'error-pread=EIO',
      'error-pread-rate=20%',
    );
    await using disk = await open(server, { recovery: { attempts: 12, firstPauseMs: 1 } });
    expect(await readAll(disk, 256 * 1024)).toBe(true);
  });

  test('an error that stays names the disk, the range and the errno', async () => {
    await using server = await startNbdkit(
      'pattern',
      'size=1M',
      '--filter=error',
      'error-pread=EIO',
      'error-pread-rate=100%',
    );
    await using disk = await open(server, { recovery: { attempts: 2, firstPauseMs: 1 } });
    await expect(disk.read(65_536, Buffer.alloc(4096), never)).rejects.toMatchObject({
      code: 'source.io',
      message: expect.stringMatching(/web-1, Hard disk 1.*offset 65536, 4096 bytes.*EIO/),
    });
  });

  test('pitfall 17: a silent server ends in “stalled” after the last attempt', async () => {
    await using server = await startNbdkit('pattern', 'size=1M', '--filter=delay', 'delay-read=60');
    await using disk = await open(server, {
      stallTimeoutMs: 100,
      recovery: { attempts: 2, firstPauseMs: 1 },
    });
    await expect(disk.read(0, Buffer.alloc(512), never)).rejects.toMatchObject({
      code: 'source.stalled',
      retryable: true,
    });
  });

  test('a server that stays away ends in “unavailable”', async () => {
    await using server = await startNbdkit('pattern', 'size=1M');
    await using disk = await open(server, { recovery: { openAttempts: 3, firstPauseMs: 1 } });
    await server.kill();
    await expect(disk.read(0, Buffer.alloc(512), never)).rejects.toMatchObject({
      code: 'source.unavailable',
    });
  });

  test('reads that wait for another session end with the signal, and with the disk', async () => {
    await using server = await startNbdkit('pattern', 'size=1M');
    const disk = await open(server, { recovery: { openAttempts: 1000, firstPauseMs: 50 } });
    await server.kill();
    const abort = new AbortController();
    const cancelled = disk.read(0, Buffer.alloc(512), abort.signal);
    const closed = disk.read(0, Buffer.alloc(512), never);
    abort.abort(new Error('cancelled'));
    await expect(cancelled).rejects.toThrow('cancelled');
    await disk.close();
    await expect(closed).rejects.toMatchObject({ code: 'source.unavailable' });
  });

  test('reconnecting makes pending reads go on with a new session', async () => {
    await using server = await startNbdkit('pattern', 'size=8M', '--filter=delay', 'delay-read=50ms');
    await using disk = await open(server, { recovery: { attempts: 1 } });
    let reads = 0;
    const reading = readAll(disk, 64 * 1024, () => {
      reads += 1;
    });
    await expect.poll(() => reads, { interval: 1 }).toBeGreaterThan(0);
    await disk.reconnect();
    expect(reads).toBeLessThan(128);
    expect(await reading).toBe(true);
  });
});

test('pitfall 13: where block status fails, the rest is taken for data', async () => {
  await using server = await startNbdkit(
    'eval',
    'get_size=echo 3221225472',
    'pread=dd if=/dev/zero count=$3 iflag=count_bytes',
    'can_extents=exit 0',
    'extents=if [ $4 -lt 1048576 ]; then echo 0 1048576 hole,zero; else echo EINVAL One of the parameters was invalid >&2; exit 1; fi',
  );
  await using disk = await open(server, { recovery: { attempts: 2, firstPauseMs: 1 } });
  const extents: Extent[] = [];
  for await (const extent of disk.extents({ offset: 0, length: disk.sizeBytes }, never)) extents.push(extent);
  expect(extents[0]).toEqual({ offset: 0, length: MiB, kind: 'hole' });
  let end = 0;
  for (const extent of extents) {
    expect(extent.offset).toBe(end);
    expect(extent.kind).toBe(end === 0 ? 'hole' : 'data');
    end += extent.length;
  }
  expect(end).toBe(disk.sizeBytes);
});
