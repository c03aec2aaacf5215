import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Extent } from '../disk/extent.ts';
import { NbdClient, type NbdClientOptions } from './nbdClient.ts';
import {
  type NbdTestServer,
  pattern,
  startNbdkit,
  startQemuNbd,
  temporaryFolder,
} from './nbdServer.testing.ts';

const MiB = 1024 * 1024;

function connect(server: NbdTestServer, options: Partial<NbdClientOptions> = {}): Promise<NbdClient> {
  return NbdClient.connect({ address: { kind: 'unix', path: server.socketPath }, ...options });
}

async function allExtents(client: NbdClient): Promise<Extent[]> {
  const extents: Extent[] = [];
  for await (const extent of client.extents({ offset: 0, length: client.export.sizeBytes }))
    extents.push(extent);
  return extents;
}

/** A socket in front of the server's, which holds the answers back after so many bytes until it is opened. */
async function startTap(socketPath: string, bytes: number) {
  const folder = await temporaryFolder();
  const tapPath = path.join(folder.path, 'tap.sock');
  const opened = Promise.withResolvers<void>();
  const tap = net.createServer((near) => {
    const far = net.connect(socketPath);
    near.pipe(far);
    near.on('close', () => far.destroy());
    near.on('error', () => {});
    let passed = 0;
    far.on('data', (chunk) => {
      near.write(chunk);
      passed += chunk.length;
      if (passed < bytes) return;
      far.pause();
      void opened.promise.then(() => far.resume());
    });
  });
  await new Promise<void>((resolve) => tap.listen(tapPath, resolve));
  return {
    path: tapPath,
    open: opened.resolve,
    async [Symbol.asyncDispose]() {
      opened.resolve();
      tap.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe('reading', () => {
  const oddSizes = [1_000_001 * 512, 10 * MiB + 512 + 1, 1, 4095];
  test.each(oddSizes)('pitfall 13: a disk of %i bytes is read to its last byte', async (size) => {
    await using server = await startNbdkit('pattern', `size=${size}`);
    await using client = await connect(server);
    expect(client.export.sizeBytes).toBe(size);
    const length = Math.min(size, 100_003);
    const tail = Buffer.alloc(length);
    await client.read(size - length, tail);
    expect(tail.equals(pattern(size - length, length))).toBe(true);
  });

  test('many requests of any size and alignment land each in its own buffer', async () => {
    const size = 10 * MiB + 513;
    await using server = await startNbdkit('pattern', `size=${size}`);
    await using client = await connect(server, { connections: 3 });
    expect(client.connections).toBe(3);
    const reads = Array.from({ length: 200 }, (_, index) => {
      const offset = (index * 7_654_321) % size;
      const length = Math.min(1 + ((index * 31_337) % 300_000), size - offset);
      const into = Buffer.alloc(length);
      return client.read(offset, into).then(() => into.equals(pattern(offset, length)));
    });
    expect(await Promise.all(reads)).not.toContain(false);
  });

  test('a read longer than the server takes is split', async () => {
    await using server = await startNbdkit(
      'pattern',
      `size=${8 * MiB}`,
      '--filter=blocksize-policy',
      'blocksize-maximum=1M',
      'blocksize-error-policy=error',
    );
    await using client = await connect(server);
    expect(client.export.maxPayloadBytes).toBe(MiB);
    const into = Buffer.alloc(5 * MiB + 3);
    await client.read(11, into);
    expect(into.equals(pattern(11, into.length))).toBe(true);
  });

  test('pitfall 13: unaligned reads are widened where the server demands whole blocks', async () => {
    await using server = await startNbdkit(
      'pattern',
      `size=${4 * MiB}`,
      '--filter=blocksize-policy',
      'blocksize-minimum=4096',
      'blocksize-error-policy=error',
    );
    await using client = await connect(server);
    expect(client.export.minBlockBytes).toBe(4096);
    for (const [offset, length] of [
      [1, 1],
      [4095, 2],
      [4097, 20_000],
      [4096, 4096],
      [4 * MiB - 5, 5],
    ] as const) {
      const into = Buffer.alloc(length);
      await client.read(offset, into);
      expect(into.equals(pattern(offset, length))).toBe(true);
    }
  });

  test('servers without structured replies are read as well', async () => {
    await using server = await startNbdkit('--no-sr', 'pattern', `size=${3 * MiB}`);
    await using client = await connect(server);
    expect(client.export).toMatchObject({ structuredReplies: false, allocationContextId: undefined });
    const into = Buffer.alloc(3 * MiB - 1);
    await client.read(1, into);
    expect(into.equals(pattern(1, into.length))).toBe(true);
    expect(await allExtents(client)).toEqual([{ offset: 0, length: 3 * MiB, kind: 'data' }]);
  });

  test('holes within a read are filled with zeros', async () => {
    await using folder = await temporaryFolder();
    const image = path.join(folder.path, 'disk.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '3M']);
    execFileSync('qemu-io', ['-c', 'write -q -P 0xab 1M 64k', image]);
    await using server = await startQemuNbd('-f', 'qcow2', '-r', image);
    await using client = await connect(server);
    const into = Buffer.alloc(3 * MiB, 0xff);
    await client.read(0, into);
    const expected = Buffer.alloc(3 * MiB);
    expected.fill(0xab, MiB, MiB + 65_536);
    expect(into.equals(expected)).toBe(true);
  });
});

describe('block status', () => {
  test('tells data and holes of a sparse disk, adjoining and to the end', async () => {
    await using server = await startNbdkit('data', 'size=10485793', '@1048576 "x"*1000 @10485790 1 2 3');
    await using client = await connect(server);
    const extents = await allExtents(client);
    expect(extents).toEqual([
      { offset: 0, length: MiB, kind: 'hole' },
      { offset: MiB, length: 32_768, kind: 'data' },
      { offset: MiB + 32_768, length: 9 * MiB - 32_768, kind: 'hole' },
      { offset: 10 * MiB, length: 33, kind: 'data' },
    ]);
  });

  test('a server without it yields one extent of data', async () => {
    await using server = await startNbdkit('memory', '10M', '--filter=noextents');
    await using client = await connect(server);
    expect(await allExtents(client)).toEqual([{ offset: 0, length: 10 * MiB, kind: 'data' }]);
  });

  test('an extent longer than 4 GiB does not kill nbdkit', async () => {
    await using server = await startNbdkit('memory', 'size=9G');
    await using client = await connect(server);
    const extents = await allExtents(client);
    expect(new Set(extents.map(({ kind }) => kind))).toEqual(new Set(['hole']));
    expect(extents.reduce((sum, { length }) => sum + length, 0)).toBe(9 * 1024 * MiB);
  });

  test('covers a part of the disk exactly, also where the server rounds to its blocks', async () => {
    await using folder = await temporaryFolder();
    const image = path.join(folder.path, 'disk.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '1000001']);
    execFileSync('qemu-io', ['-c', 'write -q 128k 1k', image]);
    await using server = await startQemuNbd('-f', 'qcow2', '-r', image);
    await using client = await connect(server);
    const extents: Extent[] = [];
    for await (const extent of client.extents({ offset: 100_001, length: 800_000 })) extents.push(extent);
    expect(extents.map(({ kind }) => kind)).toEqual(['hole', 'data', 'hole']);
    expect(extents[0]?.offset).toBe(100_001);
    let end = 100_001;
    for (const extent of extents) {
      expect(extent.offset).toBe(end);
      end += extent.length;
    }
    expect(end).toBe(900_001);
  });

  test('goes on after a server that tells only a little in one answer', async () => {
    await using server = await startNbdkit(
      'eval',
      'get_size=echo 1000000',
      'pread=dd if=/dev/zero count=$3 iflag=count_bytes',
      'can_extents=exit 0',
      'extents=echo $4 1000 hole,zero',
    );
    await using client = await connect(server);
    const extents = await allExtents(client);
    expect(extents).toHaveLength(1000);
    expect(extents.at(-1)).toEqual({ offset: 999_000, length: 1000, kind: 'hole' });
  });

  test('a hole that is not said to be zero is data', async () => {
    await using server = await startNbdkit(
      'eval',
      'get_size=echo 3000',
      'pread=dd if=/dev/zero count=$3 iflag=count_bytes',
      'can_extents=exit 0',
      'extents=echo 0 1000 hole; echo 1000 1000 zero; echo 2000 1000 3',
    );
    await using client = await connect(server);
    expect((await allExtents(client)).map(({ kind }) => kind)).toEqual(['data', 'zero', 'hole']);
  });
});

describe('writing', () => {
  test('what is written is read again; zeros and trims take effect', async () => {
    await using server = await startNbdkit('memory', '8M');
    await using client = await connect(server, { connections: 2 });
    const data = Buffer.alloc(2 * MiB + 5, 7);
    await client.write(MiB, data);
    await client.flush();
    await client.writeZeros({ offset: MiB + 10, length: 100 });
    await client.trim({ offset: 2 * MiB, length: MiB });
    const into = Buffer.alloc(4 * MiB);
    await client.read(0, into);
    const expected = Buffer.alloc(4 * MiB);
    expected.fill(7, MiB, 3 * MiB + 5);
    expected.fill(0, MiB + 10, MiB + 110);
    expected.fill(0, 2 * MiB, 3 * MiB);
    expect(into.equals(expected)).toBe(true);
  });

  test('a read-only export refuses with the error number in words', async () => {
    await using server = await startNbdkit('-r', 'memory', '1M');
    await using client = await connect(server);
    expect(client.export.readOnly).toBe(true);
    await expect(client.write(0, Buffer.alloc(512))).rejects.toMatchObject({
      code: 'nbd.io',
      message: expect.stringContaining('EPERM'),
    });
  });
});

describe('failures', () => {
  test('an I/O error names range and errno, and the connection goes on', async () => {
    await using server = await startNbdkit(
      'eval',
      'get_size=echo 1048576',
      'pread=if [ $4 -ge 524288 ]; then echo EIO bad sector >&2; exit 1; fi; dd if=/dev/zero count=$3 iflag=count_bytes',
    );
    await using client = await connect(server);
    await expect(client.read(524_288, Buffer.alloc(4096))).rejects.toMatchObject({
      code: 'nbd.io',
      message: expect.stringMatching(/4096 bytes at offset 524288: EIO/),
    });
    await client.read(0, Buffer.alloc(4096));
    expect(client.lost).toBeUndefined();
  });

  test('errors that come and go leave the other answers right', async () => {
    await using server = await startNbdkit(
      'pattern',
      'size=64M',
      '--filter=error',
      'error-pread=EIO',
      'error-pread-rate=30%',
    );
    await using client = await connect(server, { connections: 2 });
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const into = Buffer.alloc(65_536);
        const offset = index * MiB + index;
        try {
          await client.read(offset, into);
          return into.equals(pattern(offset, into.length)) ? 'right' : 'wrong';
        } catch (error) {
          return error instanceof Error && error.message.includes(`offset ${offset}: EIO`)
            ? 'failed'
            : 'wrong';
        }
      }),
    );
    expect(outcomes).not.toContain('wrong');
    expect(outcomes).toContain('right');
    expect(outcomes).toContain('failed');
  });

  test('pitfall 17: a server that keeps silent is a timeout, not a hang', async () => {
    await using server = await startNbdkit('pattern', 'size=1M', '--filter=delay', 'delay-read=60');
    await using client = await connect(server, { stallTimeoutMs: 200 });
    await expect(client.read(0, Buffer.alloc(512))).rejects.toMatchObject({
      code: 'nbd.timeout',
      retryable: true,
    });
    expect(client.lost).toMatchObject({ code: 'nbd.timeout' });
  });

  test('pitfall 17: one request without an answer is noticed among others that have theirs', async () => {
    await using server = await startNbdkit(
      'eval',
      'get_size=echo 1048576',
      'thread_model=echo parallel',
      'pread=if [ $4 = 0 ]; then sleep 60; fi; dd if=/dev/zero count=$3 iflag=count_bytes',
    );
    await using client = await connect(server, { requestTimeoutMs: 400 });
    let done = false;
    const others = (async () => {
      while (!done) await client.read(4096, Buffer.alloc(512));
    })();
    await expect(client.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'nbd.timeout' });
    done = true;
    await expect(others).rejects.toMatchObject({ code: 'nbd.timeout' });
  });

  test('a server that dies in mid-read rejects every pending request', async () => {
    await using server = await startNbdkit('pattern', 'size=64M', '--filter=delay', 'delay-read=60');
    await using client = await connect(server, { connections: 2 });
    const reads = Array.from({ length: 20 }, (_, index) => client.read(index * MiB, Buffer.alloc(4096)));
    const settled = Promise.allSettled(reads);
    await server.kill();
    for (const result of await settled) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'nbd.disconnected', retryable: true },
      });
    }
  });

  test('an aborted read rejects at once, and its buffer stays as it is', async () => {
    await using server = await startNbdkit('pattern', 'size=64M', '--filter=delay', 'delay-read=300ms');
    await using client = await connect(server);
    const abort = new AbortController();
    const into = Buffer.alloc(MiB, 0xee);
    const read = client.read(0, into, abort.signal);
    const other = Buffer.alloc(MiB);
    const neighbour = client.read(MiB, other);
    abort.abort(new Error('enough'));
    await expect(read).rejects.toThrow('enough');
    await neighbour;
    expect(other.equals(pattern(MiB, MiB))).toBe(true);
    await client.read(2 * MiB, Buffer.alloc(10));
    expect(into.every((byte) => byte === 0xee)).toBe(true);
  });

  test('an abort while the answer is coming in leaves the buffer alone from then on', async () => {
    await using server = await startNbdkit('pattern', 'size=64M');
    await using tap = await startTap(server.socketPath, 4 * MiB);
    const client = await NbdClient.connect({ address: { kind: 'unix', path: tap.path } });
    const abort = new AbortController();
    const into = Buffer.alloc(16 * MiB, 0xee);
    const read = client.read(0, into, abort.signal);
    read.catch(() => {});
    await expect.poll(() => into[MiB]).toBe(0);
    abort.abort(new Error('enough'));
    await expect(read).rejects.toThrow('enough');
    const before = Buffer.from(into);
    tap.open();
    await client.close();
    expect(into.equals(before)).toBe(true);
    expect(client.lost).toMatchObject({ code: 'nbd.disconnected' });
  });

  test('leaving in the midst of answers does not kill nbdkit', async () => {
    await using server = await startNbdkit('pattern', 'size=8M', '--filter=delay', 'delay-read=50ms');
    const client = await connect(server, { connections: 2 });
    const reads = Array.from({ length: 128 }, (_, index) =>
      client.read(index * 65_536, Buffer.alloc(65_536)),
    );
    const settled = Promise.allSettled(reads);
    await Promise.race(reads);
    await client.close();
    const outcomes = (await settled).map((result) => (result.status === 'rejected' ? result.reason : 'read'));
    expect(outcomes.filter((outcome) => outcome !== 'read').length).toBeGreaterThan(50);
    for (const outcome of outcomes) {
      if (outcome !== 'read') expect(outcome).toMatchObject({ code: 'nbd.disconnected' });
    }
    await expect(client.read(0, Buffer.alloc(1))).rejects.toMatchObject({ code: 'nbd.disconnected' });
    await using again = await connect(server);
    await again.read(0, Buffer.alloc(512));
  });

  test('a socket where nobody listens is refused, perhaps only for now', async () => {
    const address = { kind: 'unix', path: '/nowhere/nbd.sock' } as const;
    await expect(NbdClient.connect({ address })).rejects.toMatchObject({
      code: 'nbd.refused',
      retryable: true,
    });
  });

  test('an unknown export is refused with its name', async () => {
    await using folder = await temporaryFolder();
    await writeFile(path.join(folder.path, 'one.img'), 'x'.repeat(512));
    await using server = await startNbdkit('file', `dir=${folder.path}`);
    await expect(connect(server, { exportName: 'two.img' })).rejects.toMatchObject({
      code: 'nbd.refused',
      retryable: false,
      message: expect.stringContaining('two.img'),
    });
  });

  test('a server of another kind is named as such', async () => {
    const server = net.createServer((socket) =>
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    try {
      await expect(
        NbdClient.connect({ address: { kind: 'tcp', host: '127.0.0.1', port: address.port } }),
      ).rejects.toMatchObject({ code: 'nbd.protocol' });
    } finally {
      server.close();
    }
  });

  test('a server that accepts and says nothing is a timeout', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    try {
      await expect(
        NbdClient.connect({
          address: { kind: 'tcp', host: '127.0.0.1', port: address.port },
          connectTimeoutMs: 100,
        }),
      ).rejects.toMatchObject({ code: 'nbd.timeout' });
    } finally {
      server.close();
    }
  });
});

test('exports are listed', async () => {
  await using folder = await temporaryFolder();
  for (const name of ['a.img', 'b c.img']) await writeFile(path.join(folder.path, name), 'x'.repeat(512));
  await using server = await startNbdkit('file', `dir=${folder.path}`);
  const names = await NbdClient.list({ address: { kind: 'unix', path: server.socketPath } });
  expect(names.sort()).toEqual(['a.img', 'b c.img']);
  await using client = await connect(server, { exportName: 'b c.img' });
  expect(client.export.sizeBytes).toBe(512);
});
