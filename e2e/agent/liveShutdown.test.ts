import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isOsseaError } from '../../appliance-agent/src/contract/index.ts';
import { LiveSite } from './liveSite.ts';

let site: LiveSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  site = await LiveSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  site.site.lab.vcenter.faults.guestIgnoresShutdown = false;
});

const answer = (id: string, given: 'force' | 'wait' | 'abort') =>
  site.client.call('answerFailover', { params: { id }, body: { answer: given } });

describe('a guest that does not shut down', () => {
  it('is powered off where the policy says so', async () => {
    const workload = await site.protectedWorkload('forced', [8]);
    site.site.lab.vcenter.faults.guestIgnoresShutdown = true;
    const failover = await site.failOver(workload, { shutdownPolicy: 'force', shutdownTimeoutSeconds: 5 });
    expect(failover).toMatchObject({ state: 'active', point: { consistency: 'powered-off' } });
    const { startedAt, endedAt } = failover.downtime ?? {};
    expect(Date.parse(endedAt ?? '') - Date.parse(startedAt ?? '')).toBeGreaterThan(5000);
    await site.rollBack(failover);
  });

  it('ends the failover where the policy says so, and the source goes on as before', async () => {
    const workload = await site.protectedWorkload('spared', [8]);
    site.site.lab.vcenter.faults.guestIgnoresShutdown = true;
    const failover = await site.failOver(workload, { shutdownPolicy: 'abort', shutdownTimeoutSeconds: 5 });
    expect(failover).toMatchObject({ state: 'cleaned', problem: { code: 'failover.shutdown' } });
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    expect((await site.workloadNow(workload)).state).toBe('protected');
    await site.expectNothingLeft();
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
  });

  it('is asked about; the answer counts also after a restart of the agent', async () => {
    const workload = await site.protectedWorkload('asked', [8]);
    site.site.lab.vcenter.faults.guestIgnoresShutdown = true;
    const { id } = await site.start(workload, { shutdownPolicy: 'ask', shutdownTimeoutSeconds: 5 });
    const asking = await site.until(id, ({ question }) => question !== undefined);
    expect(asking.question).toMatchObject({ answers: ['force', 'wait', 'abort'] });
    expect(asking.question?.text).toContain('asked');
    const waiting = await site.client.call('getJob', { params: { id: asking.jobId ?? '' } });
    expect(waiting).toMatchObject({ state: 'waiting', waitReason: 'person', message: asking.question?.text });

    await site.restart();
    expect((await site.get(id)).question, 'it is asked still').toBeDefined();
    await answer(id, 'wait');
    await site.until(id, ({ question }) => question === undefined);
    await site.until(id, ({ question }) => question !== undefined);
    await answer(id, 'force');
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'active' });
    expect(failover.question).toBeUndefined();
    const late = await answer(id, 'force').catch((error: unknown) => error);
    expect(isOsseaError(late, 'request.conflict')).toBe(true);
    await site.rollBack(failover);
  });

  it('is asked about in vain when it follows after all', async () => {
    const workload = await site.protectedWorkload('late', [8]);
    site.site.lab.vcenter.faults.guestIgnoresShutdown = true;
    const { id } = await site.start(workload, { shutdownPolicy: 'ask', shutdownTimeoutSeconds: 5 });
    await site.until(id, ({ question }) => question !== undefined);
    site.power(workload, 'poweredOff');
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'active' });
    expect(failover.question).toBeUndefined();
    await site.rollBack(failover);
    expect(site.source(workload).powerState).toBe('poweredOn');
  });

  it('and whose failover a person aborts goes on as before', async () => {
    const workload = await site.protectedWorkload('aborted', [8]);
    site.site.lab.vcenter.faults.guestIgnoresShutdown = true;
    const { id } = await site.start(workload, { shutdownPolicy: 'ask', shutdownTimeoutSeconds: 5 });
    await site.until(id, ({ question }) => question !== undefined);
    await answer(id, 'abort');
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'cleaned', problem: { code: 'failover.shutdown' } });
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
  });

  it('because its tools do not run is not waited for', async () => {
    const workload = await site.protectedWorkload('toolless', [8], { tools: 'notRunning' });
    const { id } = await site.start(workload, { shutdownPolicy: 'ask', shutdownTimeoutSeconds: 600 });
    const asking = await site.until(id, ({ question }) => question !== undefined, 30_000);
    expect(asking.question?.text).toContain('cannot be asked to shut down');
    await answer(id, 'force');
    const failover = await site.settled(id);
    expect(failover.state).toBe('active');
    await site.rollBack(failover);
  });
});

it('a failover that goes on after its source was shut down copies the rest at once: a round would be downtime', async () => {
  const workload = await site.protectedWorkload('resumed', [24]);
  await site.slowDelta(workload);
  const { id } = await site.start(workload);
  await site.stepRuns(id, 'final');
  await site.client.call('cancelFailover', { params: { id } });
  const cut = await site.settled(id);
  expect(cut.state).toBe('interrupted');
  expect(site.source(workload).powerState).toBe('poweredOff');
  await site.site.setBandwidth(workload, null);
  const failover = await site.retry(cut);
  expect(failover).toMatchObject({ state: 'active', point: { consistency: 'powered-off' } });
  const { steps } = await site.client.call('getJob', { params: { id: failover.jobId ?? '' } });
  expect(steps.find(({ name }) => name === 'rounds')).toMatchObject({
    state: 'skipped',
    message: 'The source is off since an earlier attempt.',
  });
  expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
  await site.rollBack(failover);
  site.expectSourceFree(workload);
});

it('a failover that is cancelled while its guest shuts down is cleaned up to where it was', async () => {
  const workload = await site.protectedWorkload('cancelled', [8]);
  site.site.lab.vcenter.faults.guestIgnoresShutdown = true;
  const { id } = await site.start(workload, { shutdownPolicy: 'ask', shutdownTimeoutSeconds: 600 });
  await site.until(id, ({ downtime }) => downtime !== undefined);
  await site.client.call('cancelFailover', { params: { id } });
  const failover = await site.settled(id);
  expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'job.cancelled' } });
  // The guest follows late: what the cleanup finds is off because of us.
  site.power(workload, 'poweredOff');
  const { plan } = await site.client.call('cleanUpFailover', { params: { id }, body: { dryRun: true } });
  expect(plan.map(({ kind }) => kind)).toEqual(['source-power']);
  const cleaned = await site.cleanUp(failover);
  expect(cleaned.state).toBe('cleaned');
  expect(site.source(workload).powerState).toBe('poweredOn');
  site.expectSourceFree(workload);
  await site.expectNothingLeft();
});
