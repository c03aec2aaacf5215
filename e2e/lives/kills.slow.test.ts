import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { CloudId, type Job } from '../../appliance-agent/src/contract/index.ts';
import { guestLog, LiveSite } from '../agent/liveSite.ts';
import { fraction } from '../lab/chaos/random.ts';
import { jobOf } from './killedAtEachStep.ts';
import { ask, hasEnded, jobEnded, startAgain } from './patience.ts';

/** Kills of the agent over the whole life of a workload, and those of them at which the database's server goes first. */
const mostKills = 50;
const databaseEvery = 9;
const seed = Number(process.env.KILL_SEED ?? 11);

let site: LiveSite;
beforeAll(async () => {
  site = await LiveSite.open({ seed });
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

vi.setConfig({ testTimeout: 1_800_000 });

it(`a life from the first copy to the commit survives ${mostKills} kills at random moments, of the database too`, async () => {
  let kills = 0;
  let databaseKills = 0;
  const { agent, lab } = site.site;

  /** Runs a job to its end, and kills the agent so many times while it runs. */
  const underFire = async (wanted: number, begin: () => Promise<Pick<Job, 'id'>>): Promise<Job> => {
    const { id } = await ask(begin);
    for (let kill = 0; kill < wanted; kill++) {
      await setTimeout(150 + fraction(seed, 'moment', kills) * 900);
      if (hasEnded(await ask(() => site.client.call('getJob', { params: { id } })))) break;
      kills += 1;
      if (kills % databaseEvery === 0) {
        await agent.killDatabase();
        databaseKills += 1;
        await setTimeout(fraction(seed, 'database', kills) * 300);
      }
      await agent.kill();
      await startAgain(site);
    }
    const job = await jobEnded(site, id);
    expect(job.problem, job.kind).toBeUndefined();
    return job;
  };
  const params = (id: string) => ({ params: { id } });
  const replicate = (workloadId: string) =>
    site.client.call('startReplicate', { ...params(workloadId), body: {} });
  const live = async (workload: Parameters<LiveSite['start']>[0]) =>
    jobOf(site, (await site.start(workload)).id);

  const workload = await site.workload('victim', [24, 12], {
    guest: { writesPerSecond: 60, workingSet: 0.4, log: guestLog },
  });
  await underFire(10, () => replicate(workload.id));
  await underFire(5, () => replicate(workload.id));

  const networkId = CloudId.parse(lab.cloud.defaults.testNetworkId);
  await underFire(8, async () => {
    const started = { ...params(workload.id), body: { networkId } };
    return jobOf(site, (await site.client.call('startTestFailover', started)).id);
  });
  const [test] = (await ask(() => site.client.call('listFailovers', { query: { workloadId: workload.id } })))
    .items;
  expect(test?.state).toBe('active');
  await underFire(6, async () => {
    const { job } = await site.client.call('cleanUpFailover', { ...params(test?.id ?? ''), body: {} });
    if (!job) throw new Error('The test left nothing to be ended');
    return job;
  });

  await underFire(10, () => live(workload));
  const cutOver = async () =>
    (await ask(() => site.client.call('listFailovers', { query: { workloadId: workload.id } }))).items[0]!;
  const first = await cutOver();
  expect(first).toMatchObject({ kind: 'live', state: 'active' });
  await underFire(6, async () => {
    const body = { confirmName: first.vm?.name };
    const { job } = await site.client.call('rollBackFailover', { ...params(first.id), body });
    if (!job) throw new Error('There was nothing to roll back');
    return job;
  });
  site.expectSourceFree(workload);
  expect(site.source(workload).powerState).toBe('poweredOn');

  // On a fast machine jobs end before all their kills: more deltas take the rest, but for those of the cutover.
  do await underFire(4, () => replicate(workload.id));
  while (kills < mostKills - 8);
  await underFire(8, () => live(workload));
  const second = await cutOver();
  expect(second).toMatchObject({ kind: 'live', state: 'active' });
  const written = site.source(workload).guestLogNext;
  await underFire(5, async () => {
    const { job } = await site.client.call('commitFailover', { ...params(second.id), body: {} });
    if (!job) throw new Error('There was nothing to commit');
    return job;
  });

  expect((await site.workloadNow(workload)).state).toBe('migrated');
  expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  expect(await site.targetLog(workload), 'records of the guest without a gap').toBe(written);
  await site.expectNothingLeft();
  console.log(`${kills} kills of the agent, ${databaseKills} of the database`);
  expect(kills).toBeGreaterThanOrEqual(mostKills);
});
