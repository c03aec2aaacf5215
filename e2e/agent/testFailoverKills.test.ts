import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Job } from '../../appliance-agent/src/contract/index.ts';
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

/** Cuts the agent's power as each step begins, until the job has ended. */
async function cutAtEachStep(jobId: string): Promise<{ job: Job; cuts: number }> {
  let cuts = 0;
  const seen = new Set<string>();
  for (;;) {
    const job = await site.site.until(
      { id: jobId },
      ({ state, steps }) =>
        ['succeeded', 'failed', 'cancelled'].includes(state) ||
        steps.some(({ name, state: step }) => step !== 'pending' && !seen.has(name)),
      60_000,
    );
    if (job.endedAt !== undefined) return { job, cuts };
    for (const { name, state } of job.steps) if (state !== 'pending') seen.add(name);
    await site.powerCut();
    cuts += 1;
  }
}

describe('a power cut at the beginning of each step', () => {
  it('costs neither a test nor its end anything, and nothing is made twice', async () => {
    const workload = await site.protectedWorkload('cut', [8, 8]);
    const point = await site.site.sourceDigests(workload);
    const { id } = await site.start(workload, { createNetwork: true });
    const { jobId = '' } = await site.until(id, ['running']);
    const test = await cutAtEachStep(jobId);
    expect(test.job.problem).toBeUndefined();
    expect(test.cuts).toBeGreaterThan(4);
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'active' });
    expect(await site.cloneDigests(failover)).toEqual(point);
    expect(site.cloud.vms().filter(({ name }) => name.startsWith('cut-test')).length).toBe(1);
    expect(site.cloud.snapshots()).toEqual([]);

    const { job } = await site.call('cleanUpFailover', { params: { id }, body: {} });
    const end = await cutAtEachStep(job?.id ?? '');
    expect(end.job.problem).toBeUndefined();
    expect(end.cuts).toBeGreaterThan(2);
    await site.expectClean();
  });
});
