import { afterAll, beforeAll, expect, it } from 'vitest';
import { CloudId, type Failover, type Workload } from '../../appliance-agent/src/contract/index.ts';
import { LiveSite, mebibyte } from '../agent/liveSite.ts';
import { jobOf, killedAtEachStep } from './killedAtEachStep.ts';

let site: LiveSite;
beforeAll(async () => {
  site = await LiveSite.open();
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

/** Both sides hold the same, and nothing is left but that. */
async function expectWhole(workload: Workload): Promise<void> {
  expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  await site.expectNothingLeft();
}

function write(workload: Workload, fill: number): void {
  site.source(workload).disk(2000).write(mebibyte, Buffer.alloc(100_000, fill));
}

async function latest(workload: Workload): Promise<Failover> {
  const { items } = await site.client.call('listFailovers', { query: { workloadId: workload.id } });
  if (!items[0]) throw new Error('No failover stands');
  return items[0];
}

it('a cutover that stands is killed at the end of each step of its commit: the VM runs, and the source stays fenced', async () => {
  const workload = await site.protectedWorkload('final', [4, 2]);
  const failover = await site.failOver(workload);
  expect(failover.state).toBe('active');
  const commit = await killedAtEachStep(site, async () => {
    const { job } = await site.client.call('commitFailover', { params: { id: failover.id }, body: {} });
    if (!job) throw new Error('There was nothing to commit');
    return job;
  });
  console.log(`commit: killed at ${commit.length} steps: ${commit.join(', ')}`);
  expect(commit.length).toBeGreaterThan(4);
  expect((await site.workloadNow(workload)).state).toBe('migrated');
  expect(site.targetVm(failover)?.state).toBe('Running');
  expect(site.source(workload)).toMatchObject({ powerState: 'poweredOff', fenced: true, snapshots: [] });
  expect(await site.replicaFiles(workload)).toEqual(await site.sourceDigests(workload));
  await site.expectNothingLeft();
}, 600_000);

/** Every job of a life, killed at the end of each of its steps before the step is remembered: the effects of all are done twice, and seen once. */
it('a whole life is killed at the end of each step of each job: no byte is lost, and nothing is left behind', async () => {
  const told = (job: string, steps: readonly string[]) =>
    console.log(`${job}: killed at ${steps.length} steps: ${steps.join(', ')}`);
  const params = (id: string) => ({ params: { id } });
  const workload = await site.workload('stepwise', [4, 2]);
  const replicate = () => site.client.call('startReplicate', { ...params(workload.id), body: {} });
  const undone = async (begin: () => Promise<{ job?: { id: string } | undefined }>) => {
    const { job } = await begin();
    if (!job) throw new Error('Nothing was begun');
    return job;
  };

  const first = await killedAtEachStep(site, replicate);
  told('replication', first);
  expect(first.length).toBe(8);
  await expectWhole(workload);

  const networkId = CloudId.parse(site.site.lab.cloud.defaults.testNetworkId);
  const test = await killedAtEachStep(site, async () => {
    const { id } = await site.client.call('startTestFailover', {
      ...params(workload.id),
      body: { networkId },
    });
    return jobOf(site, id);
  });
  told('test', test);
  expect(test.length).toBeGreaterThan(8);
  const { id: testId, state } = await latest(workload);
  expect(state).toBe('active');
  const end = await killedAtEachStep(site, () =>
    undone(() => site.client.call('cleanUpFailover', { ...params(testId), body: {} })),
  );
  told('end of the test', end);
  expect(end.length).toBeGreaterThan(4);
  await expectWhole(workload);

  write(workload, 1);
  const live = async () => {
    const { id } = await site.start(workload, { maxRounds: 1, downtimeBudgetSeconds: 1 });
    return jobOf(site, id);
  };
  const cutover = await killedAtEachStep(site, live);
  told('cutover', cutover);
  expect(cutover.length).toBeGreaterThan(18);
  const stands = await latest(workload);
  expect(stands).toMatchObject({ kind: 'live', state: 'active' });
  const rollback = await killedAtEachStep(site, () =>
    undone(() =>
      site.client.call('rollBackFailover', { ...params(stands.id), body: { confirmName: stands.vm?.name } }),
    ),
  );
  told('rollback', rollback);
  expect(rollback.length).toBeGreaterThan(5);
  site.expectSourceFree(workload);
  expect(site.source(workload).powerState).toBe('poweredOn');
  await expectWhole(workload);

  write(workload, 2);
  // A VM that cannot be started from now on: everything but that is there.
  const { cloud } = site.site.lab;
  cloud.inject({ command: 'startVirtualMachine', kind: 'job-fails', times: 1000 });
  const before = cloud.calls.length;
  const { id: failed } = await site.start(workload);
  await expect
    .poll(() => cloud.calls.slice(before).some(({ command }) => command === 'startVirtualMachine'), {
      timeout: 120_000,
    })
    .toBe(true);
  await site.client.call('cancelFailover', { params: { id: failed } });
  expect(await site.settled(failed)).toMatchObject({ state: 'interrupted' });
  const cleanup = await killedAtEachStep(site, async () => {
    const { vm } = await site.get(failed);
    return undone(() =>
      site.client.call('cleanUpFailover', { ...params(failed), body: { confirmName: vm?.name } }),
    );
  });
  told('cleanup of a cutover', cleanup);
  expect(cleanup.length).toBeGreaterThan(5);
  site.expectSourceFree(workload);
  expect(site.source(workload).powerState).toBe('poweredOn');
  await expectWhole(workload);
}, 1_800_000);
