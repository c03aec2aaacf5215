import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Failover, isOsseaError, StartTestFailover, WorkloadSettings } from '../contract/index.ts';
import { Store } from './store.ts';

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-failovers-'));
  store = await Store.open({
    stateDir: join(folder, 'state'),
    runDir: join(folder, 'run'),
    logger: pino({ level: 'silent' }),
  });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function addWorkload(name: string) {
  const source = await store.sources.create({
    name,
    url: 'https://vc.example/sdk',
    fingerprint: 'a'.repeat(64),
  });
  const target = await store.targets.create({ name, url: 'https://cloud.example/', config: {} });
  const id = randomUUID();
  await store.workloads.create({
    id,
    name,
    sourceId: source.id,
    targetId: target.id,
    instanceUuid: randomUUID(),
    moRef: 'vm-1',
    settings: WorkloadSettings.parse({}),
    disks: [],
  });
  return store.workloads.require(id);
}

function testOf(workload: { id: string; name: string }): Failover {
  return {
    id: randomUUID(),
    kind: 'test',
    workloadId: workload.id,
    workloadName: workload.name,
    state: 'running',
    request: { ...StartTestFailover.parse({}), kind: 'test' },
    createdBy: 'test',
    createdAt: new Date().toISOString(),
  };
}

function jobOf(kind: 'replicate' | 'test-failover' | 'live-failover' | 'failover-cleanup', request = {}) {
  return { id: randomUUID(), kind, request, createdBy: 'test', steps: [] };
}

describe('jobs of a workload', () => {
  it('exclude each other on the replica, while a test on clones runs beside', async () => {
    const workload = await addWorkload('lanes');
    const replication = await store.jobs.create({ ...jobOf('replicate'), workload });
    const test = await store.jobs.create({ ...jobOf('test-failover'), workload });
    expect(await store.workloads.require(workload.id)).toMatchObject({
      currentJobId: replication.id,
      testJobId: test.id,
    });
    const refused = await store.jobs
      .create({ ...jobOf('live-failover'), workload })
      .catch((error: unknown) => error);
    expect(isOsseaError(refused, 'job.running')).toBe(true);
    const second = await store.jobs
      .create({ ...jobOf('failover-cleanup', { of: 'test' }), workload })
      .catch((error: unknown) => error);
    expect(isOsseaError(second, 'job.running') && second.value).toBe(test.id);
    expect(await store.jobs.activeOf(workload.id)).toBe(replication.id);
  });
});

describe('failovers', () => {
  it('stand one of a kind at a time, and show on the workload until they end', async () => {
    const workload = await addWorkload('standing');
    const first = await store.failovers.create(testOf(workload));
    expect((await store.workloads.require(workload.id)).failoverId).toBe(first.id);
    const second = await store.failovers.create(testOf(workload)).catch((error: unknown) => error);
    expect(isOsseaError(second, 'request.conflict') && second.value).toBe(first.id);
    await store.failovers.update(first.id, { state: 'cleaned', endedAt: new Date().toISOString() });
    expect((await store.workloads.require(workload.id)).failoverId).toBeUndefined();
    await store.failovers.create(testOf(workload));
    expect((await store.failovers.list({ workloadId: workload.id, limit: 10 })).length).toBe(2);
  });

  it('remember what several steps add, and forget a member that is taken back', async () => {
    const workload = await addWorkload('memory');
    const { id } = await store.failovers.create(testOf(workload));
    await store.failovers.remember(id, { clones: ['a'] });
    await store.failovers.remember(id, { networkId: 'n' });
    expect(await store.failovers.memory(id)).toEqual({ clones: ['a'], networkId: 'n' });
    const commitBy = new Date().toISOString();
    await store.failovers.update(id, { commitBy });
    await store.failovers.update(id, { commitBy: undefined });
    expect(await store.failovers.get(id)).not.toHaveProperty('commitBy');
    const png = Buffer.from('89504e47', 'hex');
    await store.failovers.putScreenshot(id, png);
    expect(await store.failovers.screenshot(id)).toEqual(png);
  });
});
