import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isOsseaError } from '../../appliance-agent/src/contract/index.ts';
import { noFaults } from '../lab/vcenter/vcenter.ts';
import { LiveSite, mebibyte } from './liveSite.ts';

let site: LiveSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  site = await LiveSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

describe('pitfall 21: a source that runs again after it was shut down', () => {
  it('and before it is fenced ends the failover, and is not touched', async () => {
    const workload = await site.protectedWorkload('unfenced', [24]);
    await site.slowDelta(workload);
    const { id, jobId } = await site.start(workload);
    await site.site.until({ id: jobId ?? '' }, ({ doneBytes }) => doneBytes > 0);
    site.power(workload, 'poweredOn');
    await site.site.setBandwidth(workload, null);
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'failover.source-running' } });
    expect(failover.vm).toBeUndefined();
    site.expectSourceFree(workload);
    await site.cleanUp(failover);
    expect(site.source(workload).powerState).toBe('poweredOn');
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    await site.expectNothingLeft();
  });

  it('and is on still ends the failover before the target starts; its data is safe', async () => {
    const workload = await site.protectedWorkload('risen', [8]);
    const { cloud } = site.site.lab;
    cloud.inject({ command: 'createSnapshot', kind: 'slow-job' });
    cloud.faults.slowJobMs = 4000;
    const { id } = await site.start(workload);
    await site.stepRuns(id, 'protect');
    site.power(workload, 'poweredOn');
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'failover.source-running' } });
    expect(site.targetVm(failover)?.state).toBe('Stopped');
    const cleaned = await site.cleanUp(failover);
    expect(cleaned.state).toBe('cleaned');
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
  });

  it('and is off again does so too, where it wrote', async () => {
    const workload = await site.protectedWorkload('restless', [8]);
    const { cloud } = site.site.lab;
    cloud.inject({ command: 'createSnapshot', kind: 'slow-job' });
    cloud.faults.slowJobMs = 4000;
    const { id } = await site.start(workload);
    await site.stepRuns(id, 'protect');
    site.power(workload, 'poweredOn');
    site.source(workload).disk(2000).write(mebibyte, Buffer.alloc(65_536, 5));
    site.power(workload, 'poweredOff');
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'failover.source-changed' } });
    await site.cleanUp(failover);
    site.expectSourceFree(workload);
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  });

  it('only in its configuration does not matter: changed block tracking tells that it wrote nothing', async () => {
    const workload = await site.protectedWorkload('annotated', [8]);
    const { cloud } = site.site.lab;
    cloud.inject({ command: 'createSnapshot', kind: 'slow-job' });
    cloud.faults.slowJobMs = 4000;
    const { id } = await site.start(workload);
    await site.stepRuns(id, 'protect');
    await site.source(workload).takeSnapshot('of a backup product');
    await site.source(workload).removeSnapshot('of a backup product');
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'active' });
    expect(failover.problem).toBeUndefined();
    await site.rollBack(failover);
    site.expectSourceFree(workload);
  });
});

describe('an address that is taken while the failover runs', () => {
  it('is refused, and the failover goes on when it is free again', async () => {
    const mac = '00:50:56:ab:00:09';
    const workload = await site.protectedWorkload('overtaken', [8], { nics: [{ mac }] });
    await site.keepMac(workload);
    const { cloud } = site.site.lab;
    cloud.inject({ command: 'createSnapshot', kind: 'slow-job' });
    cloud.faults.slowJobMs = 4000;
    const { id } = await site.start(workload);
    await site.stepRuns(id, 'protect');
    await using squatter = await site.squat(mac);
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'failover.mac-in-use' } });
    await squatter.leave();
    const again = await site.retry(failover);
    expect(again.problem).toBeUndefined();
    expect(again).toMatchObject({ state: 'active', vm: { nics: [{ mac }] } });
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    await site.rollBack(again);
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
  });
});

it('an address that is kept is not taken by the failover’s own VM: killed while that is made, it goes on', async () => {
  const mac = '00:50:56:ab:00:0a';
  const workload = await site.protectedWorkload('half-made', [8], { nics: [{ mac }] });
  await site.keepMac(workload);
  const { cloud } = site.site.lab;
  cloud.inject({ command: 'deployVirtualMachine', kind: 'slow-job' });
  cloud.faults.slowJobMs = 4000;
  const { id } = await site.start(workload);
  const isMade = () => cloud.vms().some(({ nics }) => nics.some((nic) => nic.mac === mac));
  await expect.poll(isMade, { timeout: 60_000 }).toBe(true);
  await site.restart();
  const failover = await site.settled(id);
  expect(failover.problem).toBeUndefined();
  expect(failover).toMatchObject({ state: 'active', vm: { nics: [{ mac }] } });
  await site.rollBack(failover);
  await site.expectNothingLeft();
});

describe('an unplanned failover', () => {
  const { faults } = { faults: () => site.site.lab.vcenter.faults };
  const lose = () => Object.assign(faults(), { soapUnavailable: 1 });
  const find = () => Object.assign(faults(), { soapUnavailable: noFaults.soapUnavailable });

  it('uses the last point, tells what is lost, and fences the source when it comes back', async () => {
    const workload = await site.protectedWorkload('lost', [8, 12]);
    site.source(workload).disk(2000).write(mebibyte, Buffer.alloc(65_536, 1));
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
    const atPoint = await site.site.replicaDigests(workload);
    const point = (await site.workloadNow(workload)).replicatedUntil;
    site
      .source(workload)
      .disk(2000)
      .write(2 * mebibyte, Buffer.alloc(65_536, 2));

    const refused = await site.start(workload, { mode: 'unplanned' }).catch((error: unknown) => error);
    expect(isOsseaError(refused) && refused.field, 'its source answers').toContain('failover.source-runs');

    lose();
    const planned = await site.start(workload).catch((error: unknown) => error);
    expect(isOsseaError(planned) && planned.field).toContain('failover.source-needed');
    const plan = await site.client.call('planFailover', {
      params: { id: workload.id },
      body: { kind: 'live', mode: 'unplanned' },
    });
    expect(plan).toMatchObject({ ready: true, point: { at: point } });
    expect(plan.loss?.seconds).toBeGreaterThan(0);
    const failover = await site.failOver(workload, { mode: 'unplanned' });
    expect(failover).toMatchObject({ state: 'active', point: { at: point }, proof: { passed: true } });
    expect(failover.loss?.seconds).toBeGreaterThan(0);
    expect(failover.loss?.bytes, 'by the churn of its cycles').toBeGreaterThan(0);
    expect(await site.site.replicaDigests(workload)).toEqual(atPoint);
    expect(site.source(workload)).toMatchObject({ powerState: 'poweredOn', fenced: false });

    const { plan: commitPlan } = await site.client.call('commitFailover', {
      params: { id: failover.id },
      body: { dryRun: true },
    });
    expect(commitPlan.find(({ kind }) => kind === 'fence')?.action).toContain('never fenced');
    find();
    await vi.waitFor(() => expect(site.source(workload).fenced).toBe(true), { timeout: 100_000 });

    const back = await site.rollBack(failover);
    expect(back.state).toBe('rolled-back');
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  });

  it('is committed while the source is away', async () => {
    const workload = await site.protectedWorkload('gone', [8]);
    lose();
    const failover = await site.failOver(workload, { mode: 'unplanned' });
    expect(failover.state).toBe('active');
    const committed = await site.commit(failover);
    expect(committed.state).toBe('committed');
    find();
    await site.expectNothingLeft();
  });

  it('of a replica that was cut off while it was written is refused unless that is accepted', async () => {
    const workload = await site.protectedWorkload('torn', [24]);
    await site.slowDelta(workload, 4);
    const job = await site.site.start(workload);
    await site.site.until(job, ({ doneBytes }) => doneBytes > 2 * mebibyte);
    lose();
    // It waits for its source; the failover does not wait for it.
    await site.site.until(job, ({ waitReason }) => waitReason === 'retry');
    const refused = await site.start(workload, { mode: 'unplanned' }).catch((error: unknown) => error);
    expect(isOsseaError(refused) && refused.field).toContain('failover.replica-torn');
    const started = await site.start(workload, { mode: 'unplanned', acceptTorn: true });
    expect(started.state).toBe('scheduled');
    const failover = await site.settled(started.id, 120_000);
    expect(failover.state).toBe('active');
    expect((await site.site.end(job)).state).toBe('cancelled');
    find();
    await site.site.setBandwidth(workload, null);
    await site.rollBack(failover);
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  });
});

it('a commit removes the snapshot that is left of the last delta, also where vCenter does not answer for a moment', async () => {
  const workload = await site.protectedWorkload('clinging', [4]);
  const { faults, calls } = site.site.lab.vcenter;
  faults.deniedPrivileges = ['VirtualMachine.State.RemoveSnapshot'];
  const failover = await site.failOver(workload);
  expect(failover.state).toBe('active');
  expect(site.source(workload).snapshots).toHaveLength(1);
  faults.deniedPrivileges = [];

  faults.soapUnavailable = 1;
  const before = calls.length;
  const committed = site.commit(failover);
  await expect.poll(() => calls.length, { timeout: 60_000, interval: 10 }).toBeGreaterThan(before);
  faults.soapUnavailable = 0;
  expect((await committed).state).toBe('committed');
  expect(site.source(workload)).toMatchObject({ snapshots: [], fenced: true });
});

describe('a window', () => {
  it('that ends before the failover could begin lets it expire with nothing done', async () => {
    const workload = await site.protectedWorkload('overdue', [16]);
    // A replication holds the replica for longer than the window lasts.
    site
      .source(workload)
      .disk(2000)
      .write(0, Buffer.alloc(12 * mebibyte, 6));
    await site.site.setBandwidth(workload, 1);
    const job = await site.site.start(workload);
    const failover = await site.start(workload, {
      startBefore: new Date(Date.now() + 3000).toISOString(),
    });
    expect(failover.state).toBe('scheduled');
    const expired = await site.settled(failover.id);
    expect(expired).toMatchObject({ state: 'expired', problem: { code: 'failover.expired' } });
    expect(site.source(workload).powerState).toBe('poweredOn');
    expect((await site.workloadNow(workload)).attention?.code).toBe('failover.expired');
    await site.site.setBandwidth(workload, null);
    expect((await site.site.end(job)).problem).toBeUndefined();
    site.expectSourceFree(workload);
    expect((await site.workloadNow(workload)).failoverId).toBeUndefined();
  });

  /** Time goes on while the agent is not running. */
  const move = (id: string, window: { startAt: string; startBefore?: string }) =>
    site.site.inDatabase(async (store) => {
      const { request } = await store.failovers.require(id);
      if (request.kind !== 'live') throw new TypeError('A test has no window');
      await store.failovers.update(id, { request: { ...request, ...window } });
    });
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

  it('that passed while the agent was not running expires at its start, and says what to do', async () => {
    const workload = await site.protectedWorkload('slept', [8]);
    const { id } = await site.start(workload, { startAt: inSeconds(3600), startBefore: inSeconds(7200) });
    await site.site.agent.kill();
    await move(id, { startAt: inSeconds(-3600), startBefore: inSeconds(-300) });
    await site.startAgent();
    const expired = await site.settled(id);
    expect(expired).toMatchObject({ state: 'expired', problem: { code: 'failover.expired' } });
    expect(expired.problem?.remedy).toContain('another window');
    expect(expired.downtime).toBeUndefined();
    expect(site.source(workload).powerState).toBe('poweredOn');
    expect(await site.workloadNow(workload)).toMatchObject({
      state: 'protected',
      attention: { code: 'failover.expired' },
    });
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
  });

  it('that passes while credentials are missing expires: lent in the morning, they begin nothing', async () => {
    const workload = await site.protectedWorkload('unlent', [8]);
    const { id } = await site.start(workload, { startAt: inSeconds(1), startBefore: inSeconds(5) });
    await site.client.call('revokeSourceLease', { params: { id: site.site.endpoints.source.id } });
    const expired = await site.settled(id);
    expect(expired).toMatchObject({ state: 'expired', problem: { code: 'failover.expired' } });
    await site.lend();
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
  });

  it('that is to come is kept over a restart, and replication goes on until then', async () => {
    const workload = await site.protectedWorkload('tonight', [8]);
    const { id, state } = await site.start(workload, { startAt: inSeconds(3600) });
    expect(state).toBe('scheduled');
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
    await site.site.agent.kill();
    await move(id, { startAt: inSeconds(-1) });
    await site.startAgent();
    const failover = await site.settled(id, 120_000);
    expect(failover).toMatchObject({ state: 'active', point: { consistency: 'powered-off' } });
    await site.rollBack(failover);
  });

  it('can be taken back', async () => {
    const workload = await site.protectedWorkload('cancelled', [8]);
    const { id } = await site.start(workload, { startAt: new Date(Date.now() + 3_600_000).toISOString() });
    const cancelled = await site.client.call('cancelFailover', { params: { id } });
    expect(cancelled.state).toBe('cleaned');
    expect(site.source(workload).powerState).toBe('poweredOn');
  });

  it('that could never be is refused', async () => {
    const workload = await site.protectedWorkload('never', [8]);
    const refused = await site
      .start(workload, { startBefore: new Date(Date.now() - 1000).toISOString() })
      .catch((error: unknown) => error);
    expect(isOsseaError(refused, 'request.invalid')).toBe(true);
  });
});
