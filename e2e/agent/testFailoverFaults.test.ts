import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type InjectedFault, noFaults } from '../lab/cloud/faults.ts';
import { noFaults as noVcenterFaults } from '../lab/vcenter/faults.ts';
import { TestSite } from './testSite.ts';

let site: TestSite;

// Patience is what these faults ask for.
vi.setConfig({ testTimeout: 120_000 });

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

describe('a cloud that', () => {
  /** Runs a whole test under faults; all must end well. */
  async function expectSurvived(name: string, faults: readonly InjectedFault[]): Promise<void> {
    const workload = await site.protectedWorkload(name, [8, 8]);
    for (const fault of faults) site.cloud.inject(fault);
    const { id } = await site.start(workload, { createNetwork: true });
    const failover = await site.settled(id, 120_000);
    expect(failover.problem).toBeUndefined();
    expect(failover.state).toBe('active');
    expect(await site.cloneDigests(failover)).toEqual(await site.site.sourceDigests(workload));
    expect(site.cloud.vms().filter((vm) => vm.name.startsWith(`${name}-test`)).length).toBe(1);
    await site.end(failover);
    await site.expectClean();
  }

  it('pitfall 30: fails jobs after their effect is looked at before it is asked again', async () => {
    const kind = 'job-fails-after-effect' as const;
    await expectSurvived(
      'effective',
      [
        'createSnapshot',
        'createVolume',
        'deployVirtualMachine',
        'attachVolume',
        'startVirtualMachine',
        'stopVirtualMachine',
        'detachVolume',
        'destroyVirtualMachine',
        'deleteSnapshot',
        'deleteNetwork',
      ].map((command) => ({ command, kind })),
    );
  });

  it('fails jobs without an effect is asked again', async () => {
    const kind = 'job-fails' as const;
    await expectSurvived(
      'failing',
      ['createSnapshot', 'createVolume', 'attachVolume', 'startVirtualMachine'].map((command) => ({
        command,
        kind,
      })),
    );
  });

  it('fails the job of a deployment has made the VM all the same, and it is used', async () => {
    await expectSurvived('half-made', [{ command: 'deployVirtualMachine', kind: 'job-fails' }]);
  });

  it('loses its answers is believed by what it shows', async () => {
    const kind = 'reset-after' as const;
    await expectSurvived(
      'silent',
      [
        'createSnapshot',
        'createVolume',
        'createNetwork',
        'deployVirtualMachine',
        'attachVolume',
        'startVirtualMachine',
        'createTags',
        'destroyVirtualMachine',
        'deleteVolume',
      ].map((command) => ({ command, kind })),
    );
  });

  it('asks for fewer requests is given time', async () => {
    await expectSurvived('throttled', [{ command: '*', kind: 'throttle', times: 20 }]);
  });
});
