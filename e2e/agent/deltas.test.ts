import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type {
  CycleDiskRecord,
  CycleRecord,
  Job,
  ReplicationStatus,
  Workload,
} from '../../appliance-agent/src/contract/index.ts';
import { TestClient } from '../lab/vcenter/testClient.ts';
import { Site } from './site.ts';
import { until } from './until.ts';

const mebibyte = 2 ** 20;
let site: Site;

// Two test files share two cores.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  site = await Site.start({ vms: [] });
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const disk = (mebibytes: number, seed: number) => ({
  sizeBytes: mebibytes * mebibyte,
  fill: { seed, dataFraction: 0.5, pattern: 'random' as const },
});

const vmOf = (workload: Workload) => site.lab.vcenter.vm(workload.name);

function status(workload: Workload): Promise<ReplicationStatus> {
  return site.agent.client.call('replication', { params: { id: workload.id } });
}

/** Replicates, expects success, and tells the cycle. */
async function cycle(workload: Workload): Promise<CycleRecord> {
  const job = await site.replicate(workload, 180_000);
  expect(job.problem).toBeUndefined();
  const [latest] = (await status(workload)).cycles;
  if (latest?.jobId !== job.id) throw new Error('the cycle was not recorded');
  return latest;
}

const only = ({ disks }: CycleRecord): CycleDiskRecord => {
  const [first] = disks;
  if (!first) throw new Error('the cycle has no disk');
  return first;
};

async function expectEqual(workload: Workload): Promise<void> {
  expect(await site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  await site.expectClean();
}

describe('a chain of deltas', () => {
  it('carries writes, discards and zeros of a guest, and reads no more than what changed', async () => {
    const workload = await site.workload({ name: 'chain', disks: [disk(24, 1), disk(8, 2)] });
    const vm = vmOf(workload);
    expect(only(await cycle(workload))).toMatchObject({ mode: 'full', reason: 'first' });
    for (let round = 1; round <= 3; round++) {
      vm.startGuest({ writesPerSecond: 400, workingSet: 0.3, discardFraction: 0.2, maxWriteBytes: 16_384 });
      await vm.guestHasWritten(40);
      vm.stopGuest();
      // Data that became zeros, and an allocated area that is given back (pitfall 10).
      vm.disk(2000).write(4 * mebibyte, Buffer.alloc(mebibyte));
      vm.disk(2000).discard(6 * mebibyte, mebibyte);
      const before = site.lab.vcenter.folderBytes;
      const { disks } = await cycle(workload);
      expect(disks.map(({ mode }) => mode)).toEqual(['delta', 'delta']);
      const changed = disks.reduce((sum, { changedBytes }) => sum + changedBytes, 0);
      // Chunks around the areas, and what verification may heal.
      expect(site.lab.vcenter.folderBytes - before).toBeLessThan(changed + 200 * 65_536);
      await expectEqual(workload);
    }
  });

  it('pitfall 1: over pages that are empty, and areas that come few at a time, loses nothing', async () => {
    const workload = await site.workload({ name: 'pages', disks: [disk(32, 3)] });
    await cycle(workload);
    const { faults } = site.lab.vcenter;
    Object.assign(faults, {
      cbtEmptyPages: 0.6,
      cbtMaxAreas: 3,
      cbtMaxSpanBytes: 2 * mebibyte,
      cbtRoundsUp: true,
    });
    try {
      for (let at = 0; at < 32; at += 3)
        vmOf(workload)
          .disk(2000)
          .write(at * mebibyte, Buffer.from('changed'));
      expect(only(await cycle(workload)).mode).toBe('delta');
      await expectEqual(workload);
    } finally {
      Object.assign(faults, { cbtEmptyPages: 0, cbtMaxAreas: 2000, cbtMaxSpanBytes: 0, cbtRoundsUp: false });
    }
  });
});

describe('change tracking that cannot be trusted', () => {
  it('pitfall 7: after a reset all is compared, only what differs is written, and the reason is told', async () => {
    const workload = await site.workload({ name: 'reset', disks: [disk(16, 4)] });
    await cycle(workload);
    vmOf(workload).disk(2000).resetChangeTracking();
    vmOf(workload)
      .disk(2000)
      .write(5 * mebibyte, Buffer.from('changed'));
    const after = only(await cycle(workload));
    expect(after).toMatchObject({ mode: 'compare', reason: 'cbt-reset' });
    expect(after.writtenBytes).toBeLessThanOrEqual(2 * 65_536);
    await expectEqual(workload);
    expect(only(await cycle(workload)).mode).toBe('delta');
    // A fault of any other name neither: it would come again at each cycle.
    site.lab.vcenter.faults.cbtSystemError = true;
    try {
      vmOf(workload)
        .disk(2000)
        .write(9 * mebibyte, Buffer.from('changed'));
      const refused = only(await cycle(workload));
      expect(refused).toMatchObject({ mode: 'compare', reason: 'cbt-refused' });
      expect(refused.detail).toContain('A general system error occurred');
      await expectEqual(workload);
    } finally {
      site.lab.vcenter.faults.cbtSystemError = false;
    }
  });

  it('pitfall 5: data that “*” leaves out stays on a replica that has it', async () => {
    const workload = await site.workload({ name: 'hinted', disks: [{ sizeBytes: 256 * mebibyte }] });
    for (const at of [30, 200])
      vmOf(workload)
        .disk(2000)
        .write(at * mebibyte, Buffer.alloc(65_536, at));
    await cycle(workload);
    vmOf(workload).disk(2000).resetChangeTracking();
    site.lab.vcenter.faults.cbtLeaveOutArea = 0;
    try {
      expect(only(await cycle(workload)).mode).toBe('compare');
    } finally {
      site.lab.vcenter.faults.cbtLeaveOutArea = undefined;
    }
    await expectEqual(workload);
  });

  it('pitfall 4: after a foreign revert to a snapshot the replica shows the VM as it was reverted', async () => {
    const workload = await site.workload({ name: 'reverted', disks: [disk(16, 5)] });
    await cycle(workload);
    const vm = vmOf(workload);
    const early = await vm.takeSnapshot('before the update');
    vm.disk(2000).write(2 * mebibyte, Buffer.from('undone later'));
    await vm.revertToSnapshot(early);
    await vm.removeSnapshot(early);
    await cycle(workload);
    await expectEqual(workload);
  });

  it.each([0, 3])(
    'pitfall 4: after a revert behind the last point the replica follows, also where %i backups have raised the change id since (VMware KB 1021607)',
    async (backups) => {
      const workload = await site.workload({ name: `behind-${backups}`, disks: [disk(16, 12)] });
      await cycle(workload);
      const vm = vmOf(workload);
      const early = await vm.takeSnapshot('before the update');
      vm.disk(2000).write(2 * mebibyte, Buffer.from('undone later'));
      await cycle(workload);
      await vm.revertToSnapshot(early);
      vm.powerOn();
      vm.disk(2000).write(7 * mebibyte, Buffer.from('written after the revert'));
      for (let backup = 0; backup < backups; backup++)
        await vm.removeSnapshot(await vm.takeSnapshot(`backup ${backup}`));
      await vm.removeSnapshot(early);
      const after = only(await cycle(workload));
      expect(after).toMatchObject({ mode: 'compare', reason: 'cbt-reverted' });
      expect(after.writtenBytes).toBeLessThanOrEqual(2 * 65_536);
      await expectEqual(workload);
      expect(only(await cycle(workload)).mode).toBe('delta');
    },
  );

  it('is trusted beside a snapshot of others as long as the VM runs on', async () => {
    const workload = await site.workload({ name: 'beside', disks: [disk(16, 13)] });
    const vm = vmOf(workload);
    await cycle(workload);
    const early = await vm.takeSnapshot('kept for a week');
    await cycle(workload);
    await vm.removeSnapshot(early);
    vm.disk(2000).write(7 * mebibyte, Buffer.from('changed'));
    expect(only(await cycle(workload)).mode).toBe('delta');
    await expectEqual(workload);
  });

  it('is of no use without the journal of the replica: all is copied again, and the reason is told', async () => {
    const workload = await site.workload({ name: 'forgotten', disks: [disk(16, 14)] });
    await cycle(workload);
    const [{ id = '' } = {}] = (await site.agent.client.call('getWorkload', { params: { id: workload.id } }))
      .disks;
    await rm(join(site.folder, 'agent', 'state', 'journals', `${id}.journal`));
    vmOf(workload)
      .disk(2000)
      .write(7 * mebibyte, Buffer.from('changed'));
    expect(only(await cycle(workload))).toMatchObject({ mode: 'full', reason: 'journal-lost' });
    await expectEqual(workload);
  });

  it('pitfall 8: an area that vCenter leaves out is found by a verification, healed and reported', async () => {
    const workload = await site.workload({ name: 'liar', disks: [disk(16, 6)] });
    await cycle(workload);
    site.lab.vcenter.faults.cbtLeaveOutArea = 0;
    try {
      vmOf(workload)
        .disk(2000)
        .write(3 * mebibyte, Buffer.from('left out'));
      vmOf(workload)
        .disk(2000)
        .write(9 * mebibyte, Buffer.from('told'));
      await cycle(workload);
    } finally {
      site.lab.vcenter.faults.cbtLeaveOutArea = undefined;
    }
    expect(await site.replicaDigests(workload)).not.toEqual(await site.sourceDigests(workload));
    const started = await site.agent.client.call('startVerify', {
      params: { id: workload.id },
      body: { mode: 'source', heal: true },
    });
    const verified = await site.end(started);
    expect(verified.reports).toMatchObject([{ verified: true, mismatchedChunks: 1, healedChunks: 1 }]);
    await expectEqual(workload);
  });
});

describe('disks that change between cycles', () => {
  it('pitfall 23: a disk that grows keeps its replica, which grows with it', async () => {
    const workload = await site.workload({ name: 'grows', disks: [disk(12, 7)] });
    await cycle(workload);
    const before = await site.agent.client.call('getWorkload', { params: { id: workload.id } });
    vmOf(workload).growDisk(2000, 1100 * mebibyte);
    vmOf(workload)
      .disk(2000)
      .write(1090 * mebibyte, Buffer.from('in the new part'));
    const grown = only(await cycle(workload));
    expect(grown).toMatchObject({ mode: 'compare', grownBytes: 1088 * mebibyte });
    const after = await site.agent.client.call('getWorkload', { params: { id: workload.id } });
    expect(after.disks[0]).toMatchObject({
      id: before.disks[0]?.id,
      volumeId: before.disks[0]?.volumeId,
      capacityBytes: 1100 * mebibyte,
      volumeBytes: 2 * 2 ** 30,
    });
    await expectEqual(workload);
    vmOf(workload)
      .disk(2000)
      .write(1095 * mebibyte, Buffer.from('again'));
    expect(only(await cycle(workload)).mode).toBe('delta');
    await expectEqual(workload);
  });

  it('pitfall 9: a disk that is added is copied in full, one whose key another disk got is not taken for it, one that is gone is dropped', async () => {
    const workload = await site.workload({ name: 'swaps', disks: [disk(8, 8), disk(8, 9)] });
    await cycle(workload);
    const first = await site.agent.client.call('getWorkload', { params: { id: workload.id } });
    using client = await TestClient.login(site.lab.vcenter);
    const vm = vmOf(workload);
    const edit = async (change: string) => {
      const spec = `<spec><deviceChange>${change}</deviceChange></spec>`;
      await client.task(await client.call('ReconfigVM_Task', `VirtualMachine:${vm.moRef}`, spec));
    };
    await edit(
      `<operation>remove</operation><fileOperation>destroy</fileOperation><device xsi:type="VirtualDisk"><key>2001</key><controllerKey>1000</controllerKey><unitNumber>1</unitNumber><capacityInKB>8192</capacityInKB></device>`,
    );
    await edit(
      `<operation>add</operation><fileOperation>create</fileOperation><device xsi:type="VirtualDisk"><key>-1</key><backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName></fileName><diskMode>persistent</diskMode></backing><controllerKey>1000</controllerKey><unitNumber>1</unitNumber><capacityInKB>8192</capacityInKB></device>`,
    );
    vm.disk(2001).write(mebibyte, Buffer.from('another disk under the same key'));
    const swapped = await cycle(workload);
    expect(swapped.disks.map(({ key, mode, reason }) => ({ key, mode, reason }))).toEqual([
      { key: 2000, mode: 'delta', reason: undefined },
      { key: 2001, mode: 'full', reason: 'new-disk' },
    ]);
    const second = await site.agent.client.call('getWorkload', { params: { id: workload.id } });
    expect(second.disks[1]?.volumeId).not.toBe(first.disks[1]?.volumeId);
    // The replica of the removed disk is gone with it: two volumes, not three.
    const { items } = await site.agent.client.call('listVolumes', {});
    expect(items.filter(({ workloadId }) => workloadId === workload.id)).toHaveLength(2);
    await expectEqual(workload);
  });
});

describe('a schedule', () => {
  it('replicates by itself, tells when it does so next, and what a cutover would cost', async () => {
    const workload = await site.workload({ name: 'scheduled', disks: [disk(8, 10)] });
    const set = (schedule: Workload['settings']['schedule']) =>
      site.agent.client.call('updateWorkload', {
        params: { id: workload.id },
        body: { schedule, rpoGoalSeconds: 3600 },
      });
    await set({ kind: 'continuous' });
    const jobsOf = async (): Promise<Job[]> =>
      (await site.agent.client.call('listJobs', { query: { workloadId: workload.id } })).items;
    const done = await until(
      jobsOf,
      (jobs) => jobs.filter(({ state }) => state === 'succeeded').length >= 2,
      60_000,
    );
    expect(done.every(({ createdBy }) => createdBy === 'schedule')).toBe(true);
    await set({ kind: 'interval', minutes: 60 });
    await until(jobsOf, (jobs) => jobs.every(({ state }) => state === 'succeeded'), 180_000);
    const told = await status(workload);
    expect(told).toMatchObject({ goalMet: true, schedule: { kind: 'interval', minutes: 60 } });
    expect(Date.parse(told.nextRunAt ?? '') - Date.now()).toBeGreaterThan(50 * 60_000);
    expect(told.lagSeconds).toBeLessThan(120);
    expect(told.forecast?.parts.map(({ name }) => name)).toContain('Last delta');
    const count = (await jobsOf()).length;
    await set({ kind: 'manual' });
    expect((await status(workload)).nextRunAt).toBeUndefined();
    expect((await jobsOf()).length).toBe(count);
    await site.expectClean();
  });

  it('that cannot be read is refused by its field', async () => {
    const workload = await site.workload({ name: 'unreadable', disks: [disk(4, 11)] });
    const refused = await site.agent.client
      .call('updateWorkload', {
        params: { id: workload.id },
        body: { schedule: { kind: 'cron', expression: 'every now and then' } },
      })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'request.invalid', field: 'settings.schedule.expression' });
  });
});
