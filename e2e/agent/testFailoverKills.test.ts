import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  testCleanupSteps,
  testFailoverSteps,
} from '../../appliance-agent/src/workflows/failover/failoverJobs.ts';
import { killedAtEachStep } from '../lives/killedAtEachStep.ts';
import { TestSite } from './testSite.ts';

let site: TestSite;

// A life goes through a dozen starts of the agent.
vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  site = await TestSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const namesOf = (steps: readonly { readonly name: string }[]) => steps.map(({ name }) => name);

describe('a power cut at the end of each step, before it is remembered', () => {
  it('costs neither a test nor its end anything, and nothing is made twice', async () => {
    const killable = { site: site.site, client: site.site.agent.client };
    const workload = await site.protectedWorkload('cut', [8, 8]);
    const point = await site.site.sourceDigests(workload);
    let id = '';
    const test = await killedAtEachStep(killable, async () => {
      ({ id } = await site.start(workload, { createNetwork: true }));
      const { jobId = '' } = await site.until(id, ['running']);
      return { id: jobId };
    });
    expect(test).toEqual(expect.arrayContaining(namesOf(testFailoverSteps)));
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'active' });
    expect(await site.cloneDigests(failover)).toEqual(point);
    expect(site.cloud.vms().filter(({ name }) => name.startsWith('cut-test')).length).toBe(1);
    expect(site.cloud.snapshots()).toEqual([]);

    const end = await killedAtEachStep(killable, async () => {
      const { job } = await site.call('cleanUpFailover', { params: { id }, body: {} });
      return { id: job?.id ?? '' };
    });
    expect(end).toEqual(expect.arrayContaining(namesOf(testCleanupSteps)));
    await site.expectClean();
  });
});
