import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isOsseaError } from '../../appliance-agent/src/contract/index.ts';
import { lendCredentials } from './agentProcess.ts';
import { Site } from './site.ts';

const mebibyte = 2 ** 20;
let site: Site;

// Two test files share two cores.
vi.setConfig({ testTimeout: 90_000 });

beforeAll(async () => {
  site = await Site.start({ vms: [] });
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const disk = (mebibytes: number, seed: number) => ({
  sizeBytes: mebibytes * mebibyte,
  fill: { seed, dataFraction: 0.6, pattern: 'random' as const },
});

describe('a replication', () => {
  it('of odd sizes ends in equal bytes, a detached replica and nothing else', async () => {
    const workload = await site.workload({
      name: 'odd',
      disks: [
        { sizeBytes: 10 * mebibyte + 512, fill: { seed: 1, dataFraction: 0.3 } },
        { sizeBytes: 50_001 * 512, provisioning: 'thick', fill: { seed: 2, dataFraction: 1 } },
        { sizeBytes: 3 * mebibyte },
      ],
    });
    const job = await site.replicate(workload);
    expect(job.problem).toBeUndefined();
    expect(job.reports.map(({ verified, mismatchedChunks }) => ({ verified, mismatchedChunks }))).toEqual(
      Array.from({ length: 3 }, () => ({ verified: true, mismatchedChunks: 0 })),
    );
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    const after = await site.agent.client.call('getWorkload', { params: { id: workload.id } });
    expect(after.state).toBe('protected');
    expect(after.replicatedUntil).toBeDefined();
    await site.expectClean();
  });

  it('while another runs is refused, with the job that is in the way', async () => {
    const workload = await site.workload({ name: 'busy', disks: [disk(32, 3)] });
    await site.setBandwidth(workload, 2);
    const job = await site.start(workload);
    const refused = await site.start(workload).catch((error: unknown) => error);
    expect(isOsseaError(refused, 'job.running')).toBe(true);
    await site.setBandwidth(workload, null);
    expect((await site.end(job)).state).toBe('succeeded');
  });

  it('that is cancelled reads nothing after a second, leaves no snapshot, and is the seed of the next', async () => {
    const workload = await site.workload({ name: 'cancelled', disks: [disk(64, 4)] });
    await site.setBandwidth(workload, 8);
    const job = await site.start(workload);
    await site.until(job, ({ doneBytes }) => doneBytes > 8 * mebibyte);
    await site.agent.client.call('cancelJob', { params: { id: job.id } });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const afterOneSecond = site.lab.vcenter.folderBytes;
    const ended = await site.end(job);
    expect(ended.state).toBe('cancelled');
    expect(site.lab.vcenter.folderBytes, 'nothing is read any more').toBe(afterOneSecond);
    await site.expectClean();

    await site.setBandwidth(workload, null);
    const before = site.lab.vcenter.folderBytes;
    const again = await site.replicate(workload);
    expect(again.state).toBe('succeeded');
    // Verification reads the replica, not the source: what came over is what was missing.
    expect(site.lab.vcenter.folderBytes - before).toBeLessThan(0.95 * 64 * 0.6 * mebibyte);
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  });

  it('that is paused moves nothing, also after a restart, and goes on when it is resumed', async () => {
    const workload = await site.workload({ name: 'paused', disks: [disk(48, 12)] });
    await site.setBandwidth(workload, 8);
    const job = await site.start(workload);
    await site.until(job, ({ doneBytes }) => doneBytes > 4 * mebibyte);
    const params = { params: { id: job.id } };
    const paused = await site.agent.client.call('pauseJob', params);
    expect(paused).toMatchObject({ paused: true, state: 'waiting', waitReason: 'paused' });
    const held = site.lab.vcenter.vm('paused').snapshots.length;
    expect(held, 'the point in time is kept').toBe(1);
    await site.agent.kill();
    await site.agent.start();
    await lendCredentials(site.agent, site.lab, site.endpoints);
    await site.until(job, ({ waitReason }) => waitReason === 'paused');
    await site.setBandwidth(workload, null);
    const before = site.lab.vcenter.folderBytes;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    // Reads that were on their way when the copy was held, no more.
    expect(site.lab.vcenter.folderBytes - before).toBeLessThan(18 * mebibyte);
    await site.agent.client.call('resumeJob', params);
    expect((await site.end(job)).problem).toBeUndefined();
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  });

  it('without credentials waits for them by name, and goes on by itself', async () => {
    const workload = await site.workload({ name: 'waiting', disks: [disk(8, 5)] });
    const { source } = site.endpoints;
    await site.agent.client.call('revokeSourceLease', { params: { id: source.id } });
    const job = await site.start(workload);
    const waiting = await site.until(job, ({ state }) => state === 'waiting');
    expect(waiting.waitReason).toBe('credentials');
    expect(waiting.message).toContain(source.name);
    await lendCredentials(site.agent, site.lab, site.endpoints);
    expect((await site.end(job)).state).toBe('succeeded');
  });

  it('of a VM that is not ready is refused before anything is made, with every cause and remedy', async () => {
    const workload = await site.workload({
      name: 'not-ready',
      disks: [disk(8, 6), { sizeBytes: mebibyte, mode: 'independent_persistent' }],
    });
    const readiness = await site.agent.client.call('readiness', { params: { id: workload.id } });
    expect(readiness.ready).toBe(false);
    expect(
      readiness.concerns.filter(({ severity }) => severity === 'critical').map(({ rule }) => rule),
    ).toEqual(['disk.independent']);
    const job = await site.replicate(workload);
    expect(job.problem).toMatchObject({ code: 'preflight.critical' });
    expect(job.problem?.detail).toContain('independent');
    expect(job.problem?.remedy).toContain('dependent');
    expect(site.lab.vcenter.vm('not-ready').snapshots).toEqual([]);
    await site.expectClean();
  });

  it('pitfall 27: beside a backup’s snapshot leaves that one alone', async () => {
    const workload = await site.workload({ name: 'backed-up', disks: [disk(8, 7)] });
    const job = await site.replicate(workload);
    expect(job.state).toBe('succeeded');
    const vm = site.lab.vcenter.vm('backed-up');
    const foreign = await vm.takeSnapshot('nightly backup');
    vm.disk(2000).write(3 * mebibyte, Buffer.from('after the backup'));
    // Its first disk file is a delta now, which is read as an export: whole, with a warning, and without touching what is not ours.
    const { concerns } = await site.agent.client.call('readiness', { params: { id: workload.id } });
    expect(concerns).toContainEqual(expect.objectContaining({ rule: 'disk.streamed', severity: 'warning' }));
    const beside = await site.replicate(workload);
    expect(beside.problem).toBeUndefined();
    expect(beside.reports[0]?.transport).toMatchObject({
      kind: 'nfc',
      reason: expect.stringContaining('older snapshot'),
    });
    expect(vm.snapshots.map(({ moRef }) => moRef)).toEqual([foreign]);
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    await vm.removeSnapshot(foreign);
    const after = await site.replicate(workload);
    expect(after.reports[0]?.transport.kind).toBe('folder');
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  });

  it('of a running guest copies the snapshot’s moment, not a mixture', async () => {
    const workload = await site.workload({
      name: 'writing',
      disks: [disk(24, 8)],
      guest: { writesPerSecond: 200, workingSet: 0.5 },
    });
    await site.setBandwidth(workload, 12);
    const job = await site.start(workload);
    const vm = site.lab.vcenter.vm('writing');
    await expect.poll(() => vm.snapshots.length, { timeout: 20_000 }).toBe(1);
    const [snapshot] = vm.snapshots;
    const expected = await Promise.all(
      vm.disks.map((each) => each.digest({ snapshot: snapshot?.moRef ?? '' })),
    );
    await vm.guestHasWritten(100);
    await site.setBandwidth(workload, null);
    expect((await site.end(job)).state).toBe('succeeded');
    expect(await site.replicaDigests(workload)).toEqual(expected);
    expect(await site.sourceDigests(workload)).not.toEqual(expected);
    vm.stopGuest();
  });
});

describe('a verification', () => {
  it('against the source finds what the storage lost, heals just that, and reports both', async () => {
    const workload = await site.workload({ name: 'decayed', disks: [disk(16, 9)] });
    expect((await site.replicate(workload)).state).toBe('succeeded');
    await site.damage(workload, 5 * mebibyte + 77);
    const started = await site.agent.client.call('startVerify', {
      params: { id: workload.id },
      body: { mode: 'source', heal: true },
    });
    const job = await site.end(started);
    expect(job.problem).toBeUndefined();
    expect(job.reports).toMatchObject([{ verified: true, mismatchedChunks: 1, healedChunks: 1 }]);
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    await site.expectClean();
  });

  it('without healing reports what differs and leaves it, and the next replication writes just that', async () => {
    const workload = await site.workload({ name: 'reported', disks: [disk(16, 10)] });
    expect((await site.replicate(workload)).state).toBe('succeeded');
    await site.damage(workload, 9 * mebibyte);
    const started = await site.agent.client.call('startVerify', {
      params: { id: workload.id },
      body: { mode: 'readback', heal: false },
    });
    const job = await site.end(started);
    expect(job.problem).toMatchObject({ code: 'verify.mismatch' });
    expect(job.reports).toMatchObject([{ verified: false, mismatchedChunks: 1, healedChunks: 0 }]);
    const again = await site.replicate(workload);
    expect(again.state).toBe('succeeded');
    expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  });
});

it('a verification makes room for a copy that goes on', async () => {
  const verified = await site.workload({ name: 'scrubbed', disks: [disk(32, 12)] });
  expect((await site.replicate(verified)).state).toBe('succeeded');
  const copied = await site.workload({ name: 'waited-for', disks: [disk(64, 13)] });
  await site.setBandwidth(copied, 1);
  const copy = await site.start(copied);
  await site.until(copy, ({ doneBytes }) => doneBytes > 0);
  const params = { id: verified.id };
  const scrub = await site.end(await site.agent.client.call('startVerify', { params, body: {} }));
  expect(scrub.reports).toMatchObject([{ verified: true, verifiedBytes: 32 * mebibyte }]);
  // Alone it takes a fraction of a second.
  expect(scrub.reports[0]?.seconds).toBeGreaterThan(3);
  await site.setBandwidth(copied, null);
  expect((await site.end(copy)).problem).toBeUndefined();
});

it('a cleanup shows its plan, removes the replica, and forgets the workload', async () => {
  const workload = await site.workload({ name: 'given-up', disks: [disk(8, 11)] });
  expect((await site.replicate(workload)).state).toBe('succeeded');
  const request = { workloadId: workload.id, removeReplica: true };
  const { plan } = await site.agent.client.call('startCleanup', { body: { ...request, dryRun: true } });
  expect(plan.map(({ kind }) => kind)).toContain('volume');
  const { job } = await site.agent.client.call('startCleanup', { body: { ...request, dryRun: false } });
  expect((await site.end({ id: job?.id ?? '' })).problem).toBeUndefined();
  const { items } = await site.agent.client.call('listWorkloads', {});
  expect(items.some(({ id }) => id === workload.id)).toBe(false);
  expect(site.lab.leftovers().filter((line) => line.includes('given-up'))).toEqual([]);
});
