import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { StartLiveFailover, Workload } from '../../appliance-agent/src/contract/index.ts';
import { BadGuestTools } from './badGuestTools.ts';
import { LiveSite, mebibyte } from './liveSite.ts';
import { until } from './until.ts';

let tools: BadGuestTools;
let site: LiveSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  tools = await BadGuestTools.make();
  site = await LiveSite.open({}, tools.environment);
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await tools?.[Symbol.asyncDispose]();
});

const converted: Partial<StartLiveFailover> = {
  conversion: { kind: 'virt-v2v', hardware: 'virtio-blk', addresses: [] },
};

/** After a failed conversion: nothing is lost, and the next cycle copies what changed and no more. */
async function expectIncremental(workload: Workload): Promise<void> {
  site
    .source(workload)
    .disk(2000)
    .write(3 * mebibyte, Buffer.alloc(65_536, 8));
  const job = await site.site.replicate(workload);
  expect(job.problem).toBeUndefined();
  expect(job.reports.every(({ copiedBytes }) => copiedBytes <= mebibyte)).toBe(true);
  expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
}

describe('pitfall 24: a conversion that fails', () => {
  it('goes back to the replica within the job, and a cleanup brings the source back; no full copy follows', async () => {
    const workload = await site.protectedWorkload('unconvertible', [8, 12]);
    const failover = await site.failOver(workload, converted);
    expect(failover.state).toBe('interrupted');
    expect(failover.problem?.code).toMatch(/^guest\./);
    expect(failover.problem?.remedy).toBeTruthy();
    expect(await readFile(tools.touchedFile, 'utf8'), 'the disks were changed').toMatch(
      /virtio-.*\n.*virtio-/,
    );
    expect(await site.site.replicaDigests(workload), 'they are as they were').toEqual(
      await site.sourceDigests(workload),
    );
    expect(site.source(workload).fenced).toBe(true);

    const { plan } = await site.client.call('cleanUpFailover', {
      params: { id: failover.id },
      body: { dryRun: true },
    });
    expect(plan.map(({ kind }) => kind)).toEqual([
      'fence',
      'source-power',
      'volume-snapshot',
      'volume-snapshot',
    ]);
    expect(plan.find(({ kind }) => kind === 'source-power')?.action).toBe('Power it on again.');
    const cleaned = await site.cleanUp(failover);
    expect(cleaned.state).toBe('cleaned');
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    expect(await site.workloadNow(workload)).toMatchObject({ state: 'protected' });
    await site.expectNothingLeft();
    await expectIncremental(workload);
  });

  it('may be tried again, and cleaned up with the source left off', async () => {
    const workload = await site.protectedWorkload('stubborn', [8]);
    const failover = await site.failOver(workload, converted);
    const again = await site.retry(failover);
    expect(again.state).toBe('interrupted');
    expect(again.point).toEqual(failover.point);
    expect(again.downtime).toEqual(failover.downtime);
    const { steps } = await site.client.call('getJob', { params: { id: again.jobId ?? '' } });
    expect(
      steps.filter(({ name }) => ['rounds', 'shutdown', 'final'].includes(name)).map(({ state }) => state),
      'what was reached is not done again',
    ).toEqual(['skipped', 'skipped', 'skipped']);
    await site.cleanUp(again, { powerOnSource: false });
    expect(site.source(workload).powerState).toBe('poweredOff');
    site.expectSourceFree(workload);
    await expectIncremental(workload);
  });

  it('because the agent is killed in the middle begins anew from the replica as it was', async () => {
    const workload = await site.protectedWorkload('killed', [8, 12]);
    await tools.hold(true);
    const before = (await readFile(tools.touchedFile, 'utf8')).length;
    const { id } = await site.start(workload, converted);
    await until(
      () => readFile(tools.touchedFile, 'utf8'),
      (text) => text.slice(before).split('\n').length > 2,
      60_000,
    );
    await site.site.agent.kill();
    expect(await site.replicaFiles(workload), 'the disks are half changed').not.toEqual(
      await site.sourceDigests(workload),
    );
    await tools.hold(false);
    await site.startAgent();
    const failover = await site.settled(id);
    expect(failover.state).toBe('interrupted');
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    await site.cleanUp(failover);
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
    await expectIncremental(workload);
  });

  it('because it is cancelled goes back to the replica too', async () => {
    const workload = await site.protectedWorkload('stopped', [8]);
    await tools.hold(true);
    const before = (await readFile(tools.touchedFile, 'utf8')).length;
    const { id } = await site.start(workload, converted);
    await until(
      () => readFile(tools.touchedFile, 'utf8'),
      (text) => text.length > before,
      60_000,
    );
    await site.client.call('cancelFailover', { params: { id } });
    const failover = await site.settled(id);
    await tools.hold(false);
    expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'job.cancelled' } });
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    await site.cleanUp(failover);
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
  });
});
