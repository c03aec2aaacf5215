import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failover, Job } from '../../appliance-agent/src/contract/index.ts';
import { LiveSite, mebibyte } from './liveSite.ts';

let site: LiveSite;

beforeAll(async () => {
  site = await LiveSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const ended: readonly Job['state'][] = ['succeeded', 'failed', 'cancelled'];

/** What the job does now: its step, and what it does within it. */
function boundary({ steps }: Job): string | undefined {
  const running = steps.find(({ state }) => state === 'running');
  return running && `${running.name}${running.message === undefined ? '' : `: ${running.message}`}`;
}

/**
 * Lets a failover's job run to its end, and kills the agent each time that it is seen to begin something that it was not killed at before.
 * @returns what it was killed at
 */
async function killedAtEachStep(
  failover: Failover,
  start: () => Promise<Job | undefined>,
): Promise<string[]> {
  const job = await start();
  const killedAt: string[] = [];
  const deadline = Date.now() + 600_000;
  for (;;) {
    if (Date.now() > deadline) throw new Error(`Not ended after kills at ${killedAt.join(', ')}`);
    const seen = await look(failover, job);
    if (!seen) {
      await setTimeout(20);
      continue;
    }
    if (ended.includes(seen.state)) return killedAt;
    const now = boundary(seen);
    if (now === undefined || killedAt.includes(now)) {
      await setTimeout(3);
      continue;
    }
    await site.site.agent.kill();
    killedAt.push(now);
    await site.startAgent();
  }
}

async function look(failover: Failover, job: Job | undefined): Promise<Job | undefined> {
  try {
    const id = job?.id ?? (await site.get(failover.id)).jobId;
    return id === undefined ? undefined : await site.client.call('getJob', { params: { id } });
  } catch {
    // It has just been killed, or is about to start.
    return undefined;
  }
}

describe('killed at each step, the agent goes on with', () => {
  it('a live failover, its rollback, a second one and its commit: no byte is lost, and nothing is left', async () => {
    const workload = await site.protectedWorkload('much-killed', [8, 12]);
    site.source(workload).disk(2000).write(mebibyte, Buffer.alloc(200_000, 7));
    const started = await site.start(workload, { maxRounds: 1, downtimeBudgetSeconds: 1 });
    const live = await killedAtEachStep(started, async () => undefined);
    const failover = await site.settled(started.id);
    console.log(`live failover, killed at: ${live.join('; ')}`);
    expect(failover.problem).toBeUndefined();
    expect(failover).toMatchObject({ state: 'active', proof: { passed: true } });
    for (const step of ['shutdown', 'fence', 'protect', 'vm', 'start']) expect(live).toContain(step);
    expect(live.length).toBeGreaterThan(12);
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    expect(site.source(workload)).toMatchObject({ powerState: 'poweredOff', fenced: true, snapshots: [] });
    const made = site.site.lab.cloud.leftovers().filter((line) => !line.startsWith('volume '));
    expect(made, 'one VM, and a snapshot of each volume').toEqual([
      'VM much-killed',
      ...Array(2).fill(expect.stringMatching(/^snapshot ossea-before-failover-/)),
    ]);

    await site.writeOnTarget(workload, 2 * mebibyte, 300_000);
    const back = await killedAtEachStep(failover, async () => {
      const { job } = await site.client.call('rollBackFailover', {
        params: { id: failover.id },
        body: { confirmName: failover.vm?.name },
      });
      return job;
    });
    console.log(`rollback, killed at: ${back.join('; ')}`);
    expect(back.length).toBeGreaterThan(3);
    expect(await site.settled(failover.id)).toMatchObject({ state: 'rolled-back' });
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
    site
      .source(workload)
      .disk(2001)
      .write(5 * mebibyte, Buffer.alloc(65_536, 9));
    const job = await site.site.replicate(workload);
    expect(job.problem).toBeUndefined();
    expect(job.reports.every(({ copiedBytes }) => copiedBytes <= mebibyte)).toBe(true);

    const second = await site.failOver(workload);
    expect(second.state).toBe('active');
    const commit = await killedAtEachStep(second, async () => {
      const { job } = await site.client.call('commitFailover', { params: { id: second.id }, body: {} });
      return job;
    });
    console.log(`commit, killed at: ${commit.join('; ')}`);
    expect(commit.length).toBeGreaterThan(2);
    expect(await site.settled(second.id)).toMatchObject({ state: 'committed' });
    expect(site.targetVm(second)?.state).toBe('Running');
    expect(await site.replicaFiles(workload)).toEqual(await site.sourceDigests(workload));
    await site.expectNothingLeft();
  }, 900_000);

  it('the cleanup of one that was interrupted: everything is as it was', async () => {
    const workload = await site.protectedWorkload('cleaned-up', [8, 12]);
    // A VM that cannot be started: everything but that is there.
    const { cloud } = site.site.lab;
    cloud.inject({ command: 'startVirtualMachine', kind: 'job-fails', times: 1000 });
    const before = cloud.calls.length;
    const started = await site.start(workload);
    await expect
      .poll(() => cloud.calls.slice(before).some(({ command }) => command === 'startVirtualMachine'), {
        timeout: 60_000,
      })
      .toBe(true);
    await site.client.call('cancelFailover', { params: { id: started.id } });
    const failover = await site.settled(started.id);
    expect(failover.state).toBe('interrupted');
    const { plan } = await site.client.call('cleanUpFailover', {
      params: { id: failover.id },
      body: { dryRun: true },
    });
    expect(plan.map(({ kind }) => kind)).toEqual([
      'vm',
      'fence',
      'source-power',
      'replica',
      'volume-snapshot',
      'volume-snapshot',
    ]);
    const kills = await killedAtEachStep(failover, async () => {
      const { job } = await site.client.call('cleanUpFailover', {
        params: { id: failover.id },
        body: { confirmName: failover.vm?.name },
      });
      return job;
    });
    console.log(`cleanup, killed at: ${kills.join('; ')}`);
    expect(kills.length).toBeGreaterThan(3);
    expect(await site.settled(failover.id)).toMatchObject({ state: 'cleaned' });
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    expect((await site.workloadNow(workload)).state).toBe('protected');
    await site.expectNothingLeft();
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
  }, 600_000);
});
