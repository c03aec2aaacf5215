import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Schedule, WorkloadSettings } from '../contract/index.ts';
import { nextRun } from '../plan/schedule.ts';
import { Store } from './store.ts';

const logger = pino({ level: 'silent' });
let folder: string;
let store: Store;

const open = () => Store.open({ stateDir: join(folder, 'state'), runDir: join(folder, 'run'), logger });
const serverPid = async () =>
  Number((await readFile(join(folder, 'state', 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-store-'));
  store = await open();
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function addWorkload(name: string) {
  const source = await store.sources.create({
    name: `vc ${name}`,
    url: 'https://vc.example/sdk',
    fingerprint: 'a'.repeat(64),
  });
  const target = await store.targets.create({
    name: `cloud ${name}`,
    url: 'https://cloud.example/',
    config: {},
  });
  const id = randomUUID();
  const disk = {
    id: randomUUID(),
    key: 2000,
    backingUuid: '6000C29a',
    label: 'Hard disk 1',
    capacityBytes: 10 * 2 ** 30 + 512,
  };
  await store.workloads.create({
    id,
    name,
    sourceId: source.id,
    targetId: target.id,
    instanceUuid: randomUUID(),
    moRef: 'vm-1',
    settings: WorkloadSettings.parse({}),
    disks: [disk],
  });
  return { source, target, workload: await store.workloads.require(id), disk };
}

const steps = [
  { name: 'preflight', title: 'Check' },
  { name: 'copy', title: 'Copy' },
];

describe('the embedded server', () => {
  it('has no TCP port', async () => {
    const { rows } = await store.database.query((db) =>
      sql<{ setting: string }>`select setting from pg_settings where name = 'listen_addresses'`.execute(db),
    );
    expect(rows[0]?.setting).toBe('');
  });

  it('is started again when it is killed, and what was asked meanwhile is answered', async () => {
    const pid = await serverPid();
    process.kill(pid, 'SIGKILL');
    await Promise.all(Array.from({ length: 10 }, () => store.ping()));
    await store.ping();
    expect(await serverPid()).not.toBe(pid);
  });

  it('that outlived a killed agent is taken over, with all that it kept', async () => {
    const { workload } = await addWorkload('survivor');
    const pid = await serverPid();
    // A second opener finds the server as one that was left behind.
    await using second = await open();
    expect(await second.workloads.get(workload.id)).toEqual(workload);
    expect(await serverPid()).toBe(pid);
  });
});

describe('the audit log', () => {
  it('lists newest first, in pages', async () => {
    for (const action of ['one', 'two', 'three']) {
      await store.audit.append({ actor: 'test', action, subject: 'x', outcome: 'ok' });
    }
    const newest = await store.audit.list({ before: undefined, limit: 2 });
    expect(newest.map(({ action }) => action)).toEqual(['three', 'two']);
    const older = await store.audit.list({ before: newest[1]?.id, limit: 1 });
    expect(older.map(({ action }) => action)).toEqual(['one']);
  });

  it.each(["update audit set actor = 'nobody'", 'delete from audit', 'truncate audit'])(
    'refuses "%s" in the database itself',
    async (statement) => {
      await expect(store.database.query((db) => sql.raw(statement).execute(db))).rejects.toThrow(
        /append-only/,
      );
    },
  );
});

describe('jobs', () => {
  it('are refused while the workload has an active one, and allowed after its end', async () => {
    const { workload } = await addWorkload('busy');
    const create = () =>
      store.jobs.create({
        id: randomUUID(),
        kind: 'replicate',
        workload,
        request: {},
        createdBy: 'test',
        steps,
      });
    const first = await create();
    await expect(create()).rejects.toMatchObject({ code: 'job.running', value: first.id });
    await store.jobs.update(first.id, { state: 'failed' });
    await expect(create()).resolves.toMatchObject({ state: 'queued' });
  });

  it('of one id are created once', async () => {
    const { workload } = await addWorkload('twice');
    const job = {
      id: randomUUID(),
      kind: 'verify',
      workload,
      request: { mode: 'source' },
      createdBy: 'test',
      steps,
    } as const;
    const first = await store.jobs.create(job);
    expect(await store.jobs.create(job)).toEqual(first);
  });

  it('keep steps with times, progress and sums', async () => {
    const { workload, disk } = await addWorkload('progress');
    const { id } = await store.jobs.create({
      id: randomUUID(),
      kind: 'replicate',
      workload,
      request: {},
      createdBy: 'test',
      steps,
    });
    await store.jobs.update(id, { state: 'running' });
    await store.jobs.updateStep(id, 'preflight', { state: 'running' });
    await store.jobs.updateStep(id, 'preflight', { state: 'done', message: 'nothing to worry about' });
    const counters = {
      capacityBytes: 100,
      plannedBytes: 80,
      readBytes: 40,
      writtenBytes: 40,
      skippedBytes: 0,
      doneBytes: 40,
      rereadBytes: 0,
    };
    await store.jobs.putProgress(id, [
      { key: workload.disks[0]!.key, label: disk.label, phase: 'copying', ...counters, bytesPerSecond: 10 },
    ]);
    const job = await store.jobs.get(id);
    expect(job).toMatchObject({
      state: 'running',
      plannedBytes: 80,
      doneBytes: 40,
      bytesPerSecond: 10,
      etaSeconds: 4,
    });
    expect(job?.steps.map(({ name, state }) => [name, state])).toEqual([
      ['preflight', 'done'],
      ['copy', 'pending'],
    ]);
    expect(job?.steps[0]?.endedAt).toBeDefined();
  });

  it('that have ended do not change any more', async () => {
    const { workload } = await addWorkload('over');
    const { id } = await store.jobs.create({
      id: randomUUID(),
      kind: 'replicate',
      workload,
      request: {},
      createdBy: 'test',
      steps,
    });
    await store.jobs.update(id, { state: 'cancelled' });
    await store.jobs.update(id, { state: 'running', message: 'late' });
    expect(await store.jobs.get(id)).toMatchObject({ state: 'cancelled' });
    expect(await store.jobs.get(id)).not.toHaveProperty('message');
  });
});

describe('workloads', () => {
  it('keep exact capacities', async () => {
    const { workload } = await addWorkload('exact');
    expect(workload.disks[0]?.capacityBytes).toBe(10 * 2 ** 30 + 512);
  });

  it('are protected once a cycle of all disks is complete', async () => {
    const { workload, disk } = await addWorkload('cycle');
    const until = new Date('2026-01-02T03:04:05.678Z');
    await store.workloads.completeCycle(workload.id, until, [{ diskId: disk.id, changeId: '52 de/7' }]);
    expect(await store.workloads.get(workload.id)).toMatchObject({
      state: 'protected',
      replicatedUntil: until.toISOString(),
      disks: [{ changeId: '52 de/7' }],
    });
  });

  it('say since when their volumes show no point in time, until the next cycle is complete', async () => {
    const { workload, disk } = await addWorkload('torn');
    expect(await store.workloads.replicaTornSince(workload.id)).toBeUndefined();
    await store.workloads.markReplicaTorn(workload.id);
    const since = await store.workloads.replicaTornSince(workload.id);
    expect(since).toBeInstanceOf(Date);
    await store.workloads.markReplicaTorn(workload.id);
    expect(await store.workloads.replicaTornSince(workload.id), 'the first moment counts').toEqual(since);
    await store.workloads.completeCycle(workload.id, new Date(), [{ diskId: disk.id, changeId: undefined }]);
    expect(await store.workloads.replicaTornSince(workload.id)).toBeUndefined();
  });

  it('keep their source and target from being deleted', async () => {
    const { source, target } = await addWorkload('used');
    await expect(store.sources.delete(source.id)).rejects.toMatchObject({ code: 'request.conflict' });
    await expect(store.targets.delete(target.id)).rejects.toMatchObject({ code: 'request.conflict' });
  });
});

describe('after the clock was set back', () => {
  const tomorrow = new Date(Date.now() + 86_400_000);

  it('a schedule goes on at once, and does not wait for the time of its last run to come', async () => {
    const { workload } = await addWorkload('ahead');
    const id = randomUUID();
    await store.jobs.create({
      id,
      kind: 'replicate',
      workload,
      request: {},
      steps,
      createdBy: 'schedule',
    });
    await store.jobs.update(id, { state: 'succeeded' });
    const ahead = sql`update jobs set created_at = ${tomorrow}, ended_at = ${tomorrow} where id = ${id}`;
    await store.database.query((db) => ahead.execute(db));
    const schedules: Schedule[] = [
      { kind: 'interval', minutes: 15 },
      { kind: 'continuous' },
      { kind: 'cron', expression: '0 * * * *' },
    ];
    for (const schedule of schedules) {
      for (const since of [workload.createdAt, tomorrow]) {
        const next = nextRun(schedule, await store.schedules.history(workload.id, new Date(since)));
        expect(next?.getTime()).toBeLessThanOrEqual(Date.now() + 3600_000);
      }
    }
    const chosenLater = await store.schedules.history(workload.id, tomorrow);
    for (const schedule of schedules)
      expect(nextRun(schedule, chosenLater)?.getTime()).toBeLessThan(Date.now());
  });

  it('the newest cycle is the last that was made', async () => {
    const { workload } = await addWorkload('ahead-cycles');
    const cycle = (pointAt: Date) => ({
      jobId: randomUUID(),
      pointAt: pointAt.toISOString(),
      startedAt: pointAt.toISOString(),
      endedAt: pointAt.toISOString(),
      consistency: 'crash' as const,
      disks: [],
    });
    const made = [
      cycle(tomorrow),
      cycle(new Date(Date.now() - 60_000)),
      cycle(new Date(Date.now() - 30_000)),
    ];
    for (const each of made) await store.cycles.put(workload.id, each);
    const [first, second, third] = made;
    expect(await store.cycles.list(workload.id, 5)).toEqual([third, second, first]);
  });
});

it('effects are intended once and found again by their token', async () => {
  const { source, workload } = await addWorkload('effect');
  const intent = {
    jobId: randomUUID(),
    kind: 'snapshot',
    token: 'ossea-migrate 1',
    endpointId: source.id,
    workloadId: workload.id,
  } as const;
  const { isNew, ...first } = await store.effects.intend(intent);
  expect(isNew).toBe(true);
  expect(await store.effects.intend(intent)).toEqual({ ...first, isNew: false });
  await store.effects.markDone(first.id, 'snapshot-7');
  expect(await store.effects.listOpen({ jobId: intent.jobId })).toEqual([
    { ...first, state: 'done', externalId: 'snapshot-7' },
  ]);
  await store.effects.markUndone(first.id);
  expect(await store.effects.listOpen({ jobId: intent.jobId })).toEqual([]);
});

it('events are read after an id, in order', async () => {
  const last = await store.events.lastId();
  const at = new Date().toISOString();
  const ids = [];
  for (let count = 0; count < 3; count++) {
    ids.push(await store.events.append({ kind: 'workload-removed', at, workloadId: randomUUID() }));
  }
  expect((await store.events.after(last, 10)).map(({ id }) => id)).toEqual(ids);
  expect((await store.events.after(ids[0] ?? 0, 1)).map(({ id }) => id)).toEqual([ids[1]]);
});

it('names of endpoints are unique, and the error names the field', async () => {
  const source = { name: 'same', url: 'https://vc.example/sdk', fingerprint: 'b'.repeat(64) };
  await store.sources.create(source);
  await expect(store.sources.create(source)).rejects.toMatchObject({
    code: 'request.conflict',
    field: 'name',
    value: 'same',
  });
});
