import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isOsseaError, type Workload } from '../../appliance-agent/src/contract/index.ts';
import { noFaults } from '../lab/cloud/faults.ts';
import { noFaults as noVcenterFaults } from '../lab/vcenter/faults.ts';
import { TestSite } from './testSite.ts';

let site: TestSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 90_000 });

beforeAll(async () => {
  site = await TestSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  Object.assign(site.cloud.faults, noFaults);
  Object.assign(site.vcenter.faults, noVcenterFaults);
});

/** Lets the guest of a workload's source write. */
function guestWrites({ name }: Workload, byte: number): void {
  site.vcenter.vm(name).disks[0]?.write(65_536, Buffer.alloc(131_072, byte));
}

async function setQuiesce({ id }: Workload, quiesce: 'auto' | 'always' | 'never'): Promise<void> {
  await site.call('updateWorkload', { params: { id }, body: { quiesce } });
}

describe('the point of a test', () => {
  it('is made by a replication where a fresh one is asked for', async () => {
    const workload = await site.protectedWorkload('fresh', [8]);
    guestWrites(workload, 1);
    const failover = await site.test(workload, { point: 'fresh' });
    expect(failover).toMatchObject({ state: 'active', point: { consistency: 'crash' } });
    expect(failover.point && failover.point.at >= failover.createdAt).toBe(true);
    expect(await site.cloneDigests(failover)).toEqual(await site.site.sourceDigests(workload));
    await site.end(failover);
    await site.expectClean();
  });

  it('is quiesced where that is asked for, though ordinary replications are not', async () => {
    const workload = await site.protectedWorkload('quiet', [8]);
    const failover = await site.test(workload, { point: 'quiesced' });
    expect(failover).toMatchObject({ state: 'active', point: { consistency: 'quiesced' } });
    await site.end(failover);
  });

  it('pitfall 20: is crash-consistent, and says so, where the guest cannot be made quiet and the settings leave it open', async () => {
    const workload = await site.protectedWorkload('loud', [8]);
    Object.assign(site.vcenter.faults, { quiesceFails: true });
    const failover = await site.test(workload, { point: 'quiesced' });
    expect(failover).toMatchObject({ state: 'active', point: { consistency: 'crash' } });
    const job = await site.call('getJob', { params: { id: failover.jobId ?? '' } });
    expect(job.steps.find(({ name }) => name === 'point')?.message).toContain('crash-consistent');
    await site.end(failover);
    await site.expectClean();
  });

  it('pitfall 20: is refused with the cause where the settings insist on quiet guests, and nothing is left', async () => {
    const workload = await site.protectedWorkload('insisting', [8]);
    await setQuiesce(workload, 'always');
    Object.assign(site.vcenter.faults, { quiesceFails: true });
    const failover = await site.test(workload, { point: 'quiesced' });
    expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'vsphere.quiesce-failed' } });
    await site.end(failover);
    await setQuiesce(workload, 'never');
    const refused = await site.start(workload, { point: 'quiesced' }).catch((error: unknown) => error);
    expect(isOsseaError(refused, 'failover.not-ready')).toBe(true);
    await site.expectClean();
  });

  it('is never half a delta: a test that begins during a replication waits for its end', async () => {
    const workload = await site.protectedWorkload('busy', [32]);
    site.vcenter.vm('busy').disks[0]?.write(0, Buffer.alloc(16 * 2 ** 20, 3));
    await site.site.setBandwidth(workload, 4);
    const replication = await site.site.start(workload);
    await site.site.until(replication, ({ doneBytes }) => doneBytes > 2 ** 20);
    const { id } = await site.start(workload, {});
    const job = await site.step(id, 'snapshots');
    const waiting = await site.site.until(job, ({ waitReason }) => waitReason === 'replica');
    expect(waiting.message).toContain('replication');
    await site.site.setBandwidth(workload, null);
    expect((await site.site.end(replication)).problem).toBeUndefined();
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'active' });
    expect(await site.cloneDigests(failover)).toEqual(await site.site.sourceDigests(workload));
    await site.end(failover);
    await site.expectClean();
  });

  it('is not overtaken: a replication that begins while the volumes are snapshotted waits with its first write', async () => {
    const workload = await site.protectedWorkload('snapshotted', [8]);
    const point = await site.site.sourceDigests(workload);
    guestWrites(workload, 5);
    site.cloud.inject({ command: 'createSnapshot', kind: 'slow-job' });
    Object.assign(site.cloud.faults, { slowJobMs: 4000 });
    const { id } = await site.start(workload, {});
    await expect.poll(() => site.cloud.snapshots().length, { timeout: 20_000 }).toBe(1);
    const replication = await site.site.start(workload);
    const waiting = await site.site.until(replication, ({ waitReason }) => waitReason === 'replica');
    expect(waiting.message).toContain('test failover');
    expect((await site.site.end(replication)).problem).toBeUndefined();
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'active' });
    expect(await site.cloneDigests(failover)).toEqual(point);
    await site.end(failover);
    await site.expectClean();
  });

  it('is none where a replication was given up half-way: only a fresh one helps', async () => {
    const workload = await site.protectedWorkload('torn', [32]);
    site.vcenter.vm('torn').disks[0]?.write(0, Buffer.alloc(16 * 2 ** 20, 3));
    await site.site.setBandwidth(workload, 4);
    const replication = await site.site.start(workload);
    await site.site.until(replication, ({ doneBytes }) => doneBytes > 2 ** 20);
    await site.call('cancelJob', { params: { id: replication.id } });
    expect((await site.site.end(replication)).state).toBe('cancelled');
    const refused = await site.start(workload, {}).catch((error: unknown) => error);
    expect(isOsseaError(refused, 'failover.not-ready')).toBe(true);
    expect(String(refused)).toContain('between two points');
    await site.site.setBandwidth(workload, null);
    const failover = await site.test(workload, { point: 'fresh' });
    expect(failover).toMatchObject({ state: 'active' });
    expect(await site.cloneDigests(failover)).toEqual(await site.site.sourceDigests(workload));
    await site.end(failover);
    await site.expectClean();
  });

  it('needs no source: its vCenter may be away', async () => {
    const workload = await site.protectedWorkload('orphaned', [8]);
    await site.call('revokeSourceLease', { params: { id: site.site.endpoints.source.id } });
    const failover = await site.test(workload, {});
    expect(failover).toMatchObject({ state: 'active' });
    await site.end(failover);
    await site.lend();
    await site.expectClean();
  });
});

describe('storage without snapshots', () => {
  it('gives clones by copying the volumes, byte for byte', async () => {
    await using plain = await TestSite.open({ cloud: { volumeSnapshots: false } });
    const workload = await plain.protectedWorkload('copied', [8, 12]);
    const failover = await plain.test(workload, {});
    expect(failover.problem).toBeUndefined();
    expect(await plain.cloneDigests(failover)).toEqual(await plain.site.sourceDigests(workload));
    const job = await plain.call('getJob', { params: { id: failover.jobId ?? '' } });
    const { message } = job.steps.find(({ name }) => name === 'snapshots') ?? {};
    expect(message, 'the cost is told').toContain('2 volumes were copied');
    await plain.end(failover);
    await plain.expectClean();
  });
});
