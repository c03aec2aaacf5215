import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listenOnSocket } from './sockets.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-sockets-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A socket file whose owner was killed without a chance to clean up. */
function leaveStaleSocket(path: string): void {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL');
}

it('takes the socket of a killed agent over', async () => {
  const path = join(folder, 'api.sock');
  leaveStaleSocket(path);
  expect((await stat(path)).isSocket()).toBe(true);
  const app = Fastify();
  await listenOnSocket(app, path, 0o660);
  expect((await stat(path)).mode & 0o777).toBe(0o660);
  await app.close();
});

it('leaves the socket of a living agent alone', async () => {
  const path = join(folder, 'api.sock');
  const living = createServer().listen(path);
  const app = Fastify();
  await expect(listenOnSocket(app, path, 0o660)).rejects.toMatchObject({
    code: 'agent.already-running',
    value: path,
    remedy: expect.stringContaining('OSSEA_RUN_DIR'),
  });
  expect((await stat(path)).isSocket()).toBe(true);
  living.close();
  await app.close();
});

it('removes nothing that is not a socket', async () => {
  const path = join(folder, 'api.sock');
  await writeFile(path, 'precious');
  const app = Fastify();
  await expect(listenOnSocket(app, path, 0o660)).rejects.toMatchObject({
    code: 'config.invalid',
    value: path,
  });
  expect((await stat(path)).size).toBe(8);
  await app.close();
});

it('refuses a path that the kernel would cut off', async () => {
  const app = Fastify();
  const path = join(folder, 'x'.repeat(100));
  await expect(listenOnSocket(app, path, 0o660)).rejects.toMatchObject({
    code: 'config.invalid',
    field: 'runDir',
  });
  await app.close();
});
