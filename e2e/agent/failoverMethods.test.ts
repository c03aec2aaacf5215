import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CloudId } from '../../appliance-agent/src/contract/index.ts';
import { LiveSite, mebibyte } from './liveSite.ts';
import { TestSite } from './testSite.ts';
import { until } from './until.ts';

vi.setConfig({ testTimeout: 180_000 });

let site: TestSite;

beforeAll(async () => {
  // Before 4.21 CloudStack makes no VM of a volume.
  site = await TestSite.open({ cloud: { version: '4.20.1.0' } });
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

/** Null takes the choice back. */
const chooseTemplate = async (templateId: string | null) => {
  const { config } = await site.call('updateTarget', {
    params: { id: site.site.endpoints.target.id },
    body: { config: { templateId: templateId === null ? null : CloudId.parse(templateId) } },
  });
  return config;
};

describe('on a cloud that makes no VM of a volume', () => {
  it('a workload without a template is not ready, and the plan says why', async () => {
    const workload = await site.protectedWorkload('shellless', [8]);
    const plan = await site.call('planFailover', {
      params: { id: workload.id },
      body: { kind: 'test', networkId: CloudId.parse(site.cloud.defaults.testNetworkId) },
    });
    expect(plan.ready).toBe(false);
    expect(plan.method).toBeUndefined();
    expect(plan.concerns).toContainEqual(
      expect.objectContaining({ rule: 'failover.no-vm-method', severity: 'critical' }),
    );
  });

  it('a test runs in a shell whose root disk is swapped, and leaves nothing', async () => {
    await chooseTemplate(site.cloud.defaults.templateId);
    const workload = await site.protectedWorkload('shelled', [8, 8]);
    const failover = await site.test(workload, {});
    expect(failover.problem).toBeUndefined();
    expect(failover.vm).toMatchObject({
      method: 'shell-vm',
      methodReason: expect.stringContaining('4.20.1.0'),
    });
    const vm = site.cloud.vm('shelled-test');
    expect(vm).toMatchObject({ state: 'Running', volumeIds: [expect.any(String), expect.any(String)] });
    const clones = await site.cloneDigests(failover);
    expect(clones).toEqual(await site.site.replicaDigests(workload));
    await site.end(failover);
    await site.expectClean();
  });

  it.each([
    ['deployVirtualMachine', 'job-fails-after-effect'],
    ['createTags', 'reset-after'],
    ['detachVolume', 'job-expires'],
    ['deleteVolume', 'reset-after'],
    ['attachVolume', 'job-fails-after-effect'],
  ] as const)('pitfall 30: with %s: %s', async (command, kind) => {
    const workload = await site.protectedWorkload(`shelled-${command.toLowerCase()}`, [8]);
    site.cloud.inject({ command, kind });
    const failover = await site.test(workload, {});
    expect(failover.problem).toBeUndefined();
    expect(failover.vm?.method).toBe('shell-vm');
    await site.end(failover);
    await site.expectClean();
  });
});

describe('an administrator of such a cloud who chose no template', () => {
  beforeAll(async () => {
    const { templateId, ...others } = await chooseTemplate(site.cloud.defaults.templateId);
    expect(templateId).toBe(site.cloud.defaults.templateId);
    expect(await chooseTemplate(null), 'and nothing else is taken back').toEqual(others);
    site.cloud.setAdministrator(true);
  });

  it('tests a clone that is imported, and leaves nothing', async () => {
    const workload = await site.protectedWorkload('imported-test', [8, 8]);
    const failover = await site.test(workload, {});
    expect(failover.problem).toBeUndefined();
    expect(failover.vm?.method).toBe('import');
    expect(await site.cloneDigests(failover)).toEqual(await site.site.replicaDigests(workload));
    await site.end(failover);
    await site.expectClean();
  });

  it('fails over by import, goes back by the digests of what has no snapshot any more, and commits a second one over a kill', async () => {
    const live = LiveSite.on(site.site);
    const workload = await live.protectedWorkload('imported', [16, 12]);
    const plan = await site.call('planFailover', { params: { id: workload.id }, body: { kind: 'live' } });
    expect(plan.method).toEqual({ kind: 'import', reason: expect.stringContaining('no template') });
    expect(plan.steps.find(({ name }) => name === 'protect')?.detail).toContain('before the import');

    const first = await live.failOver(workload);
    expect(first.problem).toBeUndefined();
    expect(first).toMatchObject({ state: 'active', proof: { passed: true }, vm: { method: 'import' } });
    expect(await site.site.replicaDigests(workload)).toEqual(await live.sourceDigests(workload));
    expect(live.targetVm(first)?.volumeIds).toHaveLength(2);
    expect(site.cloud.snapshots(), 'that of the data disk').toHaveLength(1);
    await live.writeOnTarget(workload, 2 * mebibyte, 300_000);
    expect((await live.rollBack(first)).state).toBe('rolled-back');
    expect(live.source(workload).powerState).toBe('poweredOn');
    live.expectSourceFree(workload);
    expect((await live.workloadNow(workload)).attention?.code).toBe('verify.mismatch');
    const job = await site.site.replicate(workload);
    expect(job.problem).toBeUndefined();
    const copied = job.reports.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0);
    expect(copied, 'what was written on the target').toBeGreaterThanOrEqual(300_000);
    expect(copied, 'and no full copy').toBeLessThan(2 * mebibyte);
    expect(await site.site.replicaDigests(workload)).toEqual(await live.sourceDigests(workload));
    await live.expectNothingLeft();

    const { calls } = site.cloud;
    const before = calls.length;
    const { id } = await live.start(workload);
    await until(
      () => Promise.resolve(calls.slice(before).some(({ command }) => command === 'unmanageVolume')),
      (asked) => asked,
      60_000,
    );
    await live.restart();
    const second = await live.settled(id);
    expect(second.problem).toBeUndefined();
    expect(second).toMatchObject({ state: 'active', vm: { method: 'import' } });
    expect(await site.site.replicaDigests(workload)).toEqual(await live.sourceDigests(workload));
    expect((await live.commit(second)).state).toBe('committed');
    expect(live.targetVm(second)).toMatchObject({ state: 'Running' });
    await live.expectNothingLeft();
  });
});
