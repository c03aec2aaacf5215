import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  testCleanupSteps,
  testFailoverSteps,
} from '../../appliance-agent/src/workflows/failover/failoverJobs.ts';
import { killedAtEachStep } from '../lives/killedAtEachStep.ts';
import { TestSite } from './testSite.ts';
import { until } from './until.ts';

let site: TestSite;

// A life goes through a score of starts of the agent.
vi.setConfig({ testTimeout: 400_000 });

beforeAll(async () => {
  site = await TestSite.open({ cloud: { kernelNics: true } });
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

/** Lets the guest of a VM answer as soon as there is one. */
async function answerWhenMade(name: string): Promise<AsyncDisposable> {
  await until(
    async () => site.cloud.vms(),
    (vms) => vms.some((vm) => vm.displayName === name && vm.nics.length > 0),
    120_000,
  );
  return site.cloud.guestAnswers(name, 8023);
}

const namesOf = (steps: readonly { readonly name: string }[]) => steps.map(({ name }) => name);

describe('a power cut at the end of each step, before it is remembered', () => {
  it('costs neither a test nor its end anything, and nothing is made twice', async () => {
    const killable = { site: site.site, client: site.site.agent.client };
    const workload = await site.protectedWorkload('cut', [8, 8]);
    const point = await site.site.sourceDigests(workload);
    let id = '';
    let answering: Promise<void> = Promise.resolve();
    await using guest = new AsyncDisposableStack();
    const test = await killedAtEachStep(killable, async () => {
      const checks = [{ kind: 'tcp' as const, port: 8023 }];
      ({ id } = await site.start(workload, { createNetwork: true, checks }));
      const { jobId = '' } = await site.until(id, ['running']);
      answering = answerWhenMade('cut-test').then((answer) => void guest.use(answer));
      return { id: jobId };
    });
    await answering;
    expect(test).toEqual(expect.arrayContaining(namesOf(testFailoverSteps)));
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'active', proof: { checks: [{ outcome: 'passed' }] } });
    expect(await site.cloneDigests(failover)).toEqual(point);
    expect(site.cloud.vms().filter(({ name }) => name.startsWith('cut-test')).length).toBe(1);
    expect(site.cloud.snapshots()).toEqual([]);
    expect(await site.cloud.strangersUntouched(), 'no NIC of the appliance is left').toEqual([]);

    const end = await killedAtEachStep(killable, async () => {
      const { job } = await site.call('cleanUpFailover', { params: { id }, body: {} });
      return { id: job?.id ?? '' };
    });
    expect(end).toEqual(expect.arrayContaining(namesOf(testCleanupSteps)));
    await site.expectClean();
  });
});
