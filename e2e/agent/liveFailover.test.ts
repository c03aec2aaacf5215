import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LiveSite, mebibyte } from './liveSite.ts';

let site: LiveSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  site = await LiveSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

describe('a live failover', () => {
  it('ends in a VM with the bytes of the source that it shut down, and can be committed', async () => {
    const workload = await site.protectedWorkload('moved', [8, 12]);
    site.source(workload).disk(2000).write(mebibyte, Buffer.alloc(70_000, 3));
    const failover = await site.failOver(workload);
    expect(failover.problem).toBeUndefined();
    expect(failover).toMatchObject({
      state: 'active',
      point: { consistency: 'powered-off' },
      loss: { seconds: 0 },
      proof: { passed: true, powerState: 'Running' },
    });
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    const vm = site.source(workload);
    expect(vm).toMatchObject({ powerState: 'poweredOff', fenced: true, snapshots: [] });
    expect(vm.name).not.toBe('moved');
    expect((await site.workloadNow(workload)).state).toBe('failed-over');

    const committed = await site.commit(failover);
    expect(committed.state).toBe('committed');
    expect((await site.workloadNow(workload)).state).toBe('migrated');
    expect(site.source(workload)).toMatchObject({ powerState: 'poweredOff', fenced: true });
    expect(site.targetVm(failover)?.state).toBe('Running');
    await site.expectNothingLeft(failover);
  });
});
