import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { test as base, expect } from 'vitest';
import { NbdServer } from './nbdServer.ts';

const run = promisify(execFile);
const sizeBytes = 3 * 2 ** 20 + 512;

class Memory {
  readonly bytes = randomBytes(sizeBytes);
  readonly sizeBytes = sizeBytes;

  read(offset: number, into: Uint8Array): void {
    this.bytes.copy(into, 0, offset, offset + into.length);
  }

  write(offset: number, data: Uint8Array): void {
    this.bytes.set(data, offset);
  }

  discard(offset: number, length: number): void {
    this.bytes.fill(0, offset, offset + length);
  }
}

interface Fixtures {
  folder: string;
  store: Memory;
  server: NbdServer;
  uri: string;
}

const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the dependencies of a fixture from its pattern.
  folder: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'lab-nbd-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  // biome-ignore lint/correctness/noEmptyPattern: see above.
  store: async ({}, use) => use(new Memory()),
  server: async ({ folder, store }, use) => {
    await using server = await NbdServer.listen(path.join(folder, 'socket'), store);
    await use(server);
  },
  uri: async ({ server }, use) => use(`nbd+unix:///?socket=${server.socketPath}`),
});

test('libnbd reads the size, and what the server can', async ({ uri }) => {
  const { stdout } = await run('nbdinfo', ['--json', uri]);
  expect(JSON.parse(stdout)).toMatchObject({
    protocol: 'newstyle-fixed',
    exports: [
      { 'export-size': sizeBytes, can_flush: true, can_trim: true, can_zero: true, is_read_only: false },
    ],
  });
});

test('nbdcopy carries the same bytes out and in', async ({ uri, folder, store }) => {
  const copy = path.join(folder, 'copy');
  await run('nbdcopy', [uri, copy]);
  expect((await readFile(copy)).subarray(0, sizeBytes).equals(store.bytes)).toBe(true);
  const other = randomBytes(sizeBytes);
  await writeFile(copy, other);
  await run('nbdcopy', ['--flush', copy, uri]);
  expect(store.bytes.equals(other)).toBe(true);
});

test('qemu writes, discards and reads back', async ({ uri, store }) => {
  const commands = [
    'write -P 7 512 1024',
    'discard 1M 1M',
    'write -z 4096 4096',
    'flush',
    'read -P 7 512 1024',
  ];
  const { stdout } = await run('qemu-io', ['-f', 'raw', ...commands.flatMap((each) => ['-c', each]), uri]);
  expect(stdout).not.toContain('failed');
  expect(store.bytes.subarray(512, 1536).every((byte) => byte === 7)).toBe(true);
  expect(store.bytes.subarray(4096, 8192).every((byte) => byte === 0)).toBe(true);
  expect(store.bytes.subarray(2 ** 20, 2 ** 21).every((byte) => byte === 0)).toBe(true);
});

test('after the cut nothing is written any more', async ({ uri, server, store }) => {
  const before = Buffer.from(store.bytes);
  server.cut();
  await expect(run('qemu-io', ['-f', 'raw', '-c', 'write -P 7 0 512', uri])).rejects.toThrow();
  expect(store.bytes.equals(before)).toBe(true);
});
