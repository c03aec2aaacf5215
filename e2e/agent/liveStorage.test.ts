import { expect, it, vi } from 'vitest';
import { BadGuestTools } from './badGuestTools.ts';
import { LiveSite, mebibyte } from './liveSite.ts';

// Two test files share two cores.
vi.setConfig({ testTimeout: 180_000 });

it('storage that cannot revert: the digests tell what the target wrote, and the next cycle writes that alone', async () => {
  await using site = await LiveSite.open({ cloud: { revertSnapshots: false } });
  const workload = await site.protectedWorkload('unrevertable', [16, 12]);
  const failover = await site.failOver(workload);
  expect(failover.state).toBe('active');
  await site.writeOnTarget(workload, 2 * mebibyte, 300_000);
  const back = await site.rollBack(failover);
  expect(back.state).toBe('rolled-back');
  site.expectSourceFree(workload);
  const after = await site.workloadNow(workload);
  expect(after).toMatchObject({ state: 'protected', attention: { code: 'verify.mismatch' } });
  // It shows no point in time until it is replicated.
  const plan = await site.client.call('planFailover', {
    params: { id: workload.id },
    body: { kind: 'test', networkId: site.cloudDefaults.testNetworkId },
  });
  expect(plan.concerns.map(({ rule }) => rule)).toContain('failover.replica-torn');

  const job = await site.site.replicate(workload);
  expect(job.problem).toBeUndefined();
  const copied = job.reports.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0);
  expect(copied, 'what was written on the target').toBeGreaterThanOrEqual(300_000);
  expect(copied, 'and no full copy').toBeLessThan(2 * mebibyte);
  expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  expect((await site.workloadNow(workload)).attention).toBeUndefined();
  await site.expectNothingLeft();
});

it('storage that takes no snapshots: a conversion that fails is undone by the digests too', async () => {
  await using tools = await BadGuestTools.make();
  await using site = await LiveSite.open({ cloud: { volumeSnapshots: false } }, tools.environment);
  const workload = await site.protectedWorkload('snapless', [16]);
  const failover = await site.failOver(workload, {
    conversion: { kind: 'virt-v2v', hardware: 'virtio-blk', addresses: [] },
  });
  expect(failover.state).toBe('interrupted');
  await site.cleanUp(failover);
  expect(site.source(workload).powerState).toBe('poweredOn');
  site.expectSourceFree(workload);
  const job = await site.site.replicate(workload);
  expect(job.problem).toBeUndefined();
  expect(job.reports.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0)).toBeLessThan(2 * mebibyte);
  expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  await site.expectNothingLeft();
});

it('a cloud that loses answers and fails jobs after their effect makes one VM, one snapshot a volume, and cleans up', async () => {
  await using site = await LiveSite.open();
  const workload = await site.protectedWorkload('lied-to', [8, 12]);
  const { cloud } = site.site.lab;
  const commands = [
    'createSnapshot',
    'deployVirtualMachine',
    'attachVolume',
    'startVirtualMachine',
    'stopVirtualMachine',
    'detachVolume',
    'revertSnapshot',
    'destroyVirtualMachine',
    'deleteSnapshot',
  ];
  const lie = () => {
    for (const command of commands) {
      for (const kind of ['job-fails-after-effect', 'reset-after', 'job-expires'] as const) {
        cloud.inject({ command, kind });
      }
    }
  };
  lie();
  const failover = await site.failOver(workload);
  expect(failover.problem).toBeUndefined();
  expect(failover.state).toBe('active');
  expect(cloud.leftovers().filter((line) => line.startsWith('VM '))).toEqual(['VM lied-to']);
  expect(cloud.leftovers().filter((line) => line.startsWith('snapshot '))).toHaveLength(2);
  await site.writeOnTarget(workload, mebibyte, 70_000);
  lie();
  await site.rollBack(failover);
  expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  site.expectSourceFree(workload);
  await site.expectNothingLeft();
});
