import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CloudId } from '../../appliance-agent/src/contract/index.ts';
import { TestSite } from './testSite.ts';

vi.setConfig({ testTimeout: 90_000 });

let site: TestSite;

beforeAll(async () => {
  // Before 4.21 CloudStack makes no VM of a volume.
  site = await TestSite.open({ cloud: { version: '4.20.1.0' } });
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const chooseTemplate = async (templateId: string) => {
  const { target } = site.site.endpoints;
  const { items } = await site.call('listTargets', {});
  const config = items.find(({ id }) => id === target.id)?.config;
  await site.call('updateTarget', {
    params: { id: target.id },
    body: { config: { ...config, templateId: CloudId.parse(templateId) } },
  });
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
