import { access, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AgentParts, type AgentStore, startAgent } from './agent.ts';
import {
  AuditInMemory,
  EventsInMemory,
  engineOf,
  RecordsInMemory,
  send,
  TokensInMemory,
} from './api/services.testing.ts';
import { type AgentConfig, loadConfig } from './config.ts';
import { OsseaError } from './contract/index.ts';
import { SealedLeasesInMemory } from './leases/sealedLeases.testing.ts';
import type { Engine } from './workflows/engine.ts';

let folder: string;
let config: AgentConfig;
let steps: string[];
let log: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-agent-'));
  config = loadConfig({ OSSEA_STATE_DIR: join(folder, 'state'), OSSEA_RUN_DIR: join(folder, 'run') });
  steps = [];
  log = [];
});
afterEach(() => rm(folder, { recursive: true }));

const output = () =>
  new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk));
      done();
    },
  });

function parts(operations: Partial<Engine> = {}): AgentParts<AgentStore> {
  return {
    openStore: async () => {
      steps.push('store opens');
      return {
        tokens: new TokensInMemory(),
        audit: new AuditInMemory(),
        read: new RecordsInMemory(),
        sealedLeases: new SealedLeasesInMemory(),
        async [Symbol.asyncDispose]() {
          steps.push('store closes');
        },
      };
    },
    createEngine: async () =>
      engineOf(new EventsInMemory(), {
        launch: async () => {
          steps.push('engine launches');
        },
        shutdown: async () => {
          steps.push('engine shuts down');
        },
        ...operations,
      }),
  };
}

it('starts without anything configured, says what is missing, and stops in order', async () => {
  const agent = await startAgent(config, parts(), output());
  const health = JSON.parse((await send(agent.apiSocket, { path: '/health' })).text);
  expect(health).toMatchObject({ status: 'degraded', database: 'ok', runningJobs: 0 });
  expect(health.missing).toHaveLength(2);
  const report = JSON.parse((await send(agent.adminSocket, { path: '/v1/doctor' })).text);
  expect(report.checks.find(({ id }: { id: string }) => id === 'database')).toMatchObject({ state: 'ok' });
  await Promise.all([agent.stop(), agent.stop()]);
  expect(steps).toEqual(['store opens', 'engine launches', 'engine shuts down', 'store closes']);
  await expect(access(agent.apiSocket)).rejects.toThrow('ENOENT');
  expect(log.map((line) => JSON.parse(line).msg)).toEqual(
    expect.arrayContaining(['agent started', 'agent stopped']),
  );
});

it('refuses to start beside another agent, and leaves that one unharmed', async () => {
  await using agent = await startAgent(config, parts(), output());
  steps = [];
  await expect(startAgent(config, parts(), output())).rejects.toMatchObject({
    code: 'agent.already-running',
  });
  expect(steps).toEqual([]);
  expect((await send(agent.apiSocket, { path: '/health' })).status).toBe(200);
});

it('refuses to share the state of another agent, also while that one starts, and under another run directory', async () => {
  const [reached, opening] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = parts();
  const openStore: typeof slow.openStore = async (...about) => {
    reached.resolve();
    await opening.promise;
    return slow.openStore(...about);
  };
  const starting = startAgent(config, { ...slow, openStore }, output());
  await reached.promise;
  const elsewhere = { ...config, runDir: join(folder, 'other-run') };
  for (const beside of [config, elsewhere]) {
    await expect(startAgent(beside, parts(), output())).rejects.toMatchObject({
      code: 'agent.already-running',
    });
  }
  expect(steps).toEqual([]);
  opening.resolve();
  await (await starting).stop();
  await using _next = await startAgent(elsewhere, parts(), output());
});

it('releases everything when its work cannot be recovered', async () => {
  const broken = parts({
    launch: async () => {
      throw new OsseaError('database.unavailable', 'The database went away.');
    },
  });
  await expect(startAgent(config, broken, output())).rejects.toMatchObject({ code: 'database.unavailable' });
  expect(steps).toEqual(['store opens', 'engine shuts down', 'store closes']);
  await expect(access(join(config.runDir, 'api.sock'))).rejects.toThrow('ENOENT');
  await using _again = await startAgent(config, parts(), output());
});

it('tells its health while it starts, and lets operations wait until it is ready', async () => {
  const launching = Promise.withResolvers<void>();
  const starting = startAgent(config, parts({ launch: () => launching.promise }), output());
  const socket = join(config.runDir, 'admin.sock');
  const health = async () => JSON.parse((await send(socket, { path: '/health' })).text).status;
  await expect.poll(() => health().catch(() => 'away')).toBe('starting');
  const limits = send(socket, { path: '/v1/limits' });
  launching.resolve();
  await using _agent = await starting;
  expect((await limits).status).toBe(200);
  expect(await health()).not.toBe('starting');
});

it('lets the group into the run directory that it makes, whatever the umask, and no one into its state', async () => {
  const umask = process.umask(0o077);
  try {
    await using agent = await startAgent(config, parts(), output());
    const mode = async (path: string) => (await stat(path)).mode & 0o777;
    expect(await mode(config.runDir)).toBe(0o750);
    expect(await mode(agent.apiSocket)).toBe(0o660);
    expect(await mode(agent.adminSocket)).toBe(0o600);
    expect(await mode(config.stateDir)).toBe(0o700);
  } finally {
    process.umask(umask);
  }
});

it('names the folder that it cannot make', async () => {
  await writeFile(join(folder, 'run'), '');
  await expect(startAgent(config, parts(), output())).rejects.toMatchObject({
    code: 'config.invalid',
    value: config.runDir,
    remedy: expect.stringContaining('OSSEA_RUN_DIR'),
  });
});
