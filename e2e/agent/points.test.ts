import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Workload } from '../../appliance-agent/src/contract/index.ts';
import type { VcenterCall } from '../lab/vcenter/options.ts';
import { lendCredentials } from './agentProcess.ts';
import { Site } from './site.ts';

const mebibyte = 2 ** 20;
let site: Site;
/** What a test does when vCenter is called. */
let onCall: (call: VcenterCall) => void = () => undefined;

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  site = await Site.start({ vms: [], vcenter: { onCall: (call) => onCall(call) } });
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const disk = (mebibytes: number, seed: number) => ({
  sizeBytes: mebibytes * mebibyte,
  fill: { seed, dataFraction: 0.6, pattern: 'random' as const },
});

const vmOf = (workload: Workload) => site.lab.vcenter.vm(workload.name);

async function latestCycle(workload: Workload) {
  const { cycles } = await site.agent.client.call('replication', { params: { id: workload.id } });
  return cycles[0];
}

async function expectEqual(workload: Workload): Promise<void> {
  expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
}

describe('the point that a cycle brings', () => {
  it('pitfall 19: is one moment of all disks, kept by one snapshot until the last of them is done', async () => {
    const workload = await site.workload({
      name: 'one-moment',
      disks: [disk(16, 1), disk(16, 2), disk(16, 3)],
      guest: { writesPerSecond: 300, workingSet: 0.5 },
    });
    await site.setBandwidth(workload, 4);
    const vm = vmOf(workload);
    const before = site.lab.vcenter.calls.length;
    const job = await site.start(workload);
    await expect.poll(() => vm.snapshots.length, { timeout: 20_000 }).toBe(1);
    const moment = { snapshot: vm.snapshots[0]?.moRef ?? '' };
    const expected = await Promise.all(vm.disks.map((each) => each.digest(moment)));
    // One disk is done, another is not: the guest has gone on meanwhile.
    await site.until(job, ({ disks }) => disks.some(({ doneBytes }) => doneBytes > 8 * mebibyte));
    // Slow enough not to end before the guest has written.
    await site.setBandwidth(workload, 1);
    await vm.guestHasWritten(200);
    expect(vm.snapshots.map(({ moRef }) => moRef)).toEqual([moment.snapshot]);
    await site.setBandwidth(workload, null);
    expect((await site.end(job)).problem).toBeUndefined();
    vm.stopGuest();
    expect(await site.replicaDigests(workload)).toEqual(expected);
    const calls = site.lab.vcenter.calls.slice(before).map(({ method }) => method);
    expect(calls.filter((method) => method === 'CreateSnapshot_Task')).toHaveLength(1);
    await site.expectClean();
  });

  it('pitfall 3: counts when it is complete: what changed before and after a cycle that was given up comes with the next', async () => {
    const workload = await site.workload({ name: 'given-up', disks: [disk(32, 4)] });
    expect((await site.replicate(workload)).problem).toBeUndefined();
    const vm = vmOf(workload);
    vm.disk(2000).write(2 * mebibyte, Buffer.alloc(12 * mebibyte, 'first'));
    await site.setBandwidth(workload, 2);
    const job = await site.start(workload);
    await site.until(job, ({ doneBytes }) => doneBytes > mebibyte);
    vm.disk(2000).write(3 * mebibyte, Buffer.alloc(mebibyte, 'second'));
    await site.agent.client.call('cancelJob', { params: { id: job.id } });
    expect((await site.end(job)).state).toBe('cancelled');
    vm.disk(2000).write(25 * mebibyte, Buffer.alloc(1000, 'third'));
    await site.setBandwidth(workload, null);
    expect((await site.replicate(workload)).problem).toBeUndefined();
    expect((await latestCycle(workload))?.disks[0]?.mode).toBe('delta');
    await expectEqual(workload);
    await site.expectClean();
  });

  it('pitfall 6: is a delta from the second cycle on, where change tracking had to be switched on first', async () => {
    const workload = await site.workload({ name: 'untracked', disks: [disk(16, 5)], changeTracking: false });
    expect((await site.replicate(workload)).problem).toBeUndefined();
    vmOf(workload)
      .disk(2000)
      .write(3 * mebibyte, Buffer.alloc(5000, 'tracked'));
    expect((await site.replicate(workload)).problem).toBeUndefined();
    expect((await latestCycle(workload))?.disks[0]).toMatchObject({ mode: 'delta' });
    await expectEqual(workload);
    await site.expectClean();
  });
});

describe('the disks of a cycle', () => {
  it('pitfall 9: are found by key and backing when a backup’s snapshot changes all file names in mid-cycle', async () => {
    const workload = await site.workload({ name: 'renamed', disks: [disk(24, 6), disk(24, 7)] });
    await site.setBandwidth(workload, 16);
    const vm = vmOf(workload);
    const names = vm.disks.map(({ fileName }) => fileName);
    const job = await site.start(workload);
    await site.until(job, ({ doneBytes }) => doneBytes > 4 * mebibyte);
    const foreign = await vm.takeSnapshot('nightly backup');
    vm.disk(2000).write(0, Buffer.from('after the backup'));
    expect(vm.disks.map(({ fileName }) => fileName)).not.toEqual(names);
    // Another process opens the disks again, by what vCenter says now.
    await site.agent.kill();
    await site.agent.start();
    await lendCredentials(site.agent, site.lab, site.endpoints);
    await site.setBandwidth(workload, null);
    expect((await site.end(job)).problem).toBeUndefined();
    expect(vm.snapshots.map(({ moRef }) => moRef)).toEqual([foreign]);
    await vm.removeSnapshot(foreign);
    expect((await site.replicate(workload)).problem).toBeUndefined();
    const { disks } = await site.agent.client.call('getWorkload', { params: { id: workload.id } });
    expect(disks).toHaveLength(2);
    await expectEqual(workload);
    await site.expectClean();
  });

  it('pitfall 18: are those of the snapshot, also when one grew between the check and it', async () => {
    const workload = await site.workload({ name: 'late-growth', disks: [disk(8, 8), disk(8, 9)] });
    const vm = vmOf(workload);
    onCall = ({ method, target }) => {
      if (method !== 'CreateSnapshot_Task' || target !== vm.moRef) return;
      onCall = () => undefined;
      vm.growDisk(2001, 12 * mebibyte);
      vm.disk(2001).write(11 * mebibyte, Buffer.from('the new end'));
    };
    expect((await site.replicate(workload)).problem).toBeUndefined();
    const { disks } = await site.agent.client.call('getWorkload', { params: { id: workload.id } });
    expect(disks.map(({ capacityBytes }) => capacityBytes)).toEqual([8 * mebibyte, 12 * mebibyte]);
    await expectEqual(workload);
    await site.expectClean();
  });
});
