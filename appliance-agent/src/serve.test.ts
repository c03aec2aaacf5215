import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const binary = fileURLToPath(new URL('../bin/ossea-agent', import.meta.url));

let folder: string;
let environment: Record<string, string | undefined>;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-serve-'));
  environment = {
    PATH: process.env.PATH,
    HOME: folder,
    OSSEA_STATE_DIR: join(folder, 'state'),
    OSSEA_RUN_DIR: join(folder, 'run'),
  };
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
  }
  await rm(folder, { recursive: true });
});

function start(): ChildProcess {
  const child = spawn(binary, ['serve'], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

async function run(
  ...commandArguments: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(binary, commandArguments, { env: environment });
  const [out, err, [code]] = await Promise.all([
    readText(child.stdout),
    readText(child.stderr),
    once(child, 'close'),
  ]);
  return { code, out, err };
}

const health = async () => JSON.parse((await run('--json', 'health')).out || '{}');

it('starts on nothing at all, says what is missing, is killed, starts again, and stops when told', async () => {
  const killed = start();
  await expect.poll(health, { timeout: 30_000 }).toMatchObject({ status: 'degraded', database: 'ok' });
  expect((await health()).missing).toHaveLength(2);
  const token = await run('token', 'create', 'console', '--role', 'viewer');
  expect(token.out).toMatch(/^ossea_/);

  const beside = await run('serve');
  expect(beside.code).toBe(6);
  expect(beside.err.trimEnd().split('\n').at(-1)).toMatch(/^ossea-agent: Another agent works with /);

  const ended = once(killed, 'close');
  killed.kill('SIGKILL');
  await ended;
  expect(await run('status')).toMatchObject({ code: 3, err: expect.stringContaining('ECONNREFUSED') });

  const again = start();
  await expect.poll(health, { timeout: 30_000 }).toMatchObject({ database: 'ok' });
  expect(JSON.parse((await run('--json', 'token', 'list')).out)).toMatchObject([{ name: 'console' }]);
  const stopped = once(again, 'close');
  again.kill('SIGTERM');
  expect(await stopped).toEqual([0, null]);
  await expect(access(join(folder, 'run', 'api.sock'))).rejects.toThrow('ENOENT');
  await expect(access(join(folder, 'state', 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
}, 300_000);
