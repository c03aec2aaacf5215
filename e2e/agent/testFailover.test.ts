import { createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CloudId,
  FailoverReport,
  isOsseaError,
  type Workload,
} from '../../appliance-agent/src/contract/index.ts';
import { noFaults } from '../lab/cloud/faults.ts';
import { noFaults as noVcenterFaults } from '../lab/vcenter/faults.ts';
import { TestSite } from './testSite.ts';

let site: TestSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 90_000 });

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

const stateOf = async ({ id }: Workload) => (await site.call('getWorkload', { params: { id } })).state;

describe('a test failover', () => {
  it('runs on clones that equal the point to the byte while replication goes on, and leaves nothing', async () => {
    const workload = await site.protectedWorkload('rehearsed', [8, 12]);
    const point = await site.site.sourceDigests(workload);
    const events = await site.states();
    const failover = await site.test(workload, {});
    expect(failover).toMatchObject({ state: 'active', point: { consistency: 'crash' } });
    expect(failover.problem).toBeUndefined();
    expect(await stateOf(workload)).toBe('testing');
    expect(site.cloud.vm('rehearsed-test')).toMatchObject({ state: 'Running' });
    expect(await site.cloneDigests(failover)).toEqual(point);
    expect(site.cloud.snapshots(), 'snapshots are gone before the VM is made').toEqual([]);

    await site.vcenter.vm('rehearsed').disks[0]?.write(4096, Buffer.alloc(65_536, 7));
    expect((await site.site.replicate(workload)).problem).toBeUndefined();
    expect(await site.site.replicaDigests(workload), 'the replica has gone on').toEqual(
      await site.site.sourceDigests(workload),
    );
    expect(await site.cloneDigests(failover), 'the test has not').toEqual(point);

    await site.end(failover);
    expect(await stateOf(workload)).toBe('protected');
    expect([...new Set(events(failover.id))], 'who listens sees each state').toEqual([
      'running',
      'active',
      'cleaning',
      'cleaned',
    ]);
    await site.expectClean();
  });

  it('pitfall 29: gives the VM new MAC addresses, so that the original may run beside it', async () => {
    const workload = await site.protectedWorkload('twin', [8]);
    const failover = await site.test(workload, {});
    const { nics } = site.cloud.vm('twin-test');
    const inventory = await site.call('inventory', { params: { id: site.site.endpoints.source.id } });
    const taken = [
      ...inventory.vms.flatMap((vm) => vm.nics.map(({ mac }) => mac)),
      ...site.cloud.vms().flatMap((vm) => (vm.id === failover.vm?.id ? [] : vm.nics.map(({ mac }) => mac))),
    ];
    expect(nics).toMatchObject([{ networkId: site.cloud.defaults.testNetworkId }]);
    expect(taken).not.toContain(nics[0]?.mac);
    expect(failover.vm?.nics).toMatchObject([{ mac: nics[0]?.mac, address: nics[0]?.ip }]);
    await site.end(failover);
  });

  it('on a network of production use is refused unless its name is typed', async () => {
    const workload = await site.protectedWorkload('bold', [8]);
    const networkId = CloudId.parse(site.cloud.defaults.networkId);
    const refusal = await site.start(workload, { networkId }).catch((error: unknown) => error);
    expect(isOsseaError(refusal, 'failover.network')).toBe(true);
    expect(String(refusal)).toContain('billing-db');
    const wrong = await site
      .start(workload, { networkId, confirmNetwork: 'Production' })
      .catch((error: unknown) => error);
    expect(isOsseaError(wrong, 'failover.network')).toBe(true);
    expect((await site.list(workload)).length, 'nothing stands').toBe(0);
    const failover = await site.test(workload, { networkId, confirmNetwork: 'production' });
    expect(failover).toMatchObject({ state: 'active' });
    expect(site.cloud.vm('bold-test').nics[0]?.networkId).toBe(networkId);
    await site.end(failover);
    await site.expectClean();
  });

  it('on a network that is made for it takes that away again, also where the account may not expunge', async () => {
    const workload = await site.protectedWorkload('isolated', [8], { nics: [{}, {}] });
    const before = site.cloud.networks().length;
    const failover = await site.test(workload, { createNetwork: true });
    expect(failover).toMatchObject({ state: 'active' });
    const { nics } = site.cloud.vm('isolated-test');
    const made = site.cloud.networks().filter(({ id }) => nics.some(({ networkId }) => networkId === id));
    expect(made.length, 'one for each adapter').toBe(2);
    for (const network of made) {
      expect(network).toMatchObject({ kind: 'Isolated', egress: false });
      expect(network.name).toContain('ossea-test-');
    }
    await site.end(failover);
    expect(site.cloud.networks().length).toBe(before);
    await site.expectClean();
  });

  it('is ended twice without a complaint, and its plan is shown before', async () => {
    const workload = await site.protectedWorkload('twice', [8, 8]);
    const failover = await site.test(workload, { createNetwork: true });
    const params = { id: failover.id };
    const dry = await site.call('cleanUpFailover', { params, body: { dryRun: true } });
    expect(dry.job).toBeUndefined();
    expect(dry.plan.map(({ kind }) => kind)).toEqual(['vm', 'volume', 'volume', 'network']);
    expect(site.cloud.vm('twice-test').state, 'nothing was changed').toBe('Running');
    await site.end(failover);
    const again = await site.call('cleanUpFailover', { params, body: {} });
    expect(again).toEqual({ plan: [] });
    await site.expectClean();
  });

  it('passes its checks where the guest answers, and leaves the VM to be looked at where it does not', async () => {
    const workload = await site.protectedWorkload('answering', [8]);
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const check = { kind: 'tcp' as const, port, host: '127.0.0.1' };
    const passed = await site.test(workload, { checks: [check] });
    expect(passed.proof).toMatchObject({
      powerState: 'Running',
      passed: true,
      screenshot: true,
      checks: [{ outcome: 'passed' }],
    });
    const picture = await site.call('failoverScreenshot', { params: { id: passed.id } });
    expect(Buffer.from(picture.base64, 'base64').subarray(1, 4).toString()).toBe('PNG');
    await site.end(passed);
    await new Promise((resolve) => server.close(resolve));

    const failed = await site.test(workload, { checks: [check], bootPatienceSeconds: 2 });
    expect(failed).toMatchObject({
      state: 'active',
      problem: { code: 'failover.boot' },
      proof: { passed: false, checks: [{ outcome: 'failed' }] },
    });
    expect(site.cloud.vm('answering-test').state).toBe('Running');
    expect(await stateOf(workload)).toBe('testing');
    await site.end(failed);
    const after = await site.call('getWorkload', { params: { id: workload.id } });
    expect(after).toMatchObject({ state: 'protected' });
    expect(after.attention, 'nobody is needed any more').toBeUndefined();
    await site.expectClean();
  });

  it('that is cancelled says what to do; what it had made goes when its time is over, though its VM never ran', async () => {
    const workload = await site.protectedWorkload('given-up', [8]);
    site.cloud.inject({ command: 'deployVirtualMachine', kind: 'slow-job' });
    Object.assign(site.cloud.faults, { slowJobMs: 5000 });
    const { id } = await site.start(workload, { leaseMinutes: 5 });
    await site.step(id, 'vm');
    await site.call('cancelFailover', { params: { id } });
    const failover = await site.settled(id);
    expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'job.cancelled' } });
    expect(failover.problem?.remedy).toContain('end the test');
    expect(Date.parse(failover.leaseEndsAt ?? '')).toBeGreaterThan(Date.now());
    await site.inDatabase((store) =>
      store.failovers.update(id, { leaseEndsAt: new Date(Date.now() - 1000).toISOString() }),
    );
    expect(await site.until(id, ['cleaned'])).toMatchObject({ state: 'cleaned' });
    await site.settled(id);
    await site.expectClean();
  });

  it('whose VM was renamed, or was taken by the cloud’s own lease, is ended all the same', async () => {
    const workload = await site.protectedWorkload('lost', [8]);
    const renamed = await site.test(workload, {});
    await site.cloudCall('updateVirtualMachine', { id: renamed.vm?.id ?? '', displayname: 'somebody else' });
    await site.end(renamed);
    await site.expectClean();

    const leased = await site.test(workload, { leaseMinutes: 60 });
    await site.cloud.endLease('lost-test');
    await site.cloud.expungeDestroyed();
    await site.end(leased);
    await site.expectClean();
  });

  it('ends by itself when its time is over, also where that was while the agent was down', async () => {
    const workload = await site.protectedWorkload('borrowed', [8]);
    const { id, leaseEndsAt } = await site.test(workload, { leaseMinutes: 5 });
    expect(Date.parse(leaseEndsAt ?? '')).toBeGreaterThan(Date.now() + 4 * 60_000);
    await site.site.agent.kill();
    await site.inDatabase((store) =>
      store.failovers.update(id, { leaseEndsAt: new Date(Date.now() - 1000).toISOString() }),
    );
    await site.site.agent.start();
    await site.lend();
    expect(await site.until(id, ['cleaned'])).toMatchObject({ state: 'cleaned' });
    await site.settled(id);
    const people = async () => {
      const { content } = await site.call('failoverReport', { params: { id } });
      return FailoverReport.parse(JSON.parse(content)).people.map(({ actor }) => actor);
    };
    await expect.poll(people, { timeout: 20_000 }).toContain('lease');
    await site.expectClean();
  });

  it('is left alone by a general cleanup while it stands, and its workload cannot be forgotten', async () => {
    const workload = await site.protectedWorkload('standing', [8]);
    const failover = await site.test(workload, { createNetwork: true });
    const { plan, job } = await site.call('startCleanup', { body: {} });
    expect(plan).toEqual([]);
    expect((await site.site.end(job ?? { id: '' })).state).toBe('succeeded');
    expect(site.cloud.vm('standing-test').state).toBe('Running');
    const refused = await site
      .call('startCleanup', { body: { workloadId: workload.id, removeReplica: true } })
      .catch((error: unknown) => error);
    expect(isOsseaError(refused, 'request.conflict')).toBe(true);
    await site.end(failover);
    await site.expectClean();
  });

  it('that has ended without taking everything along is found by the general cleanup', async () => {
    const workload = await site.protectedWorkload('forgotten', [8]);
    const failover = await site.test(workload, { createNetwork: true });
    // As if all of it had shown itself only after the test was ended.
    await site.inDatabase(async (store) => {
      for (const { id } of await store.effects.listOpen({ failoverId: failover.id })) {
        await store.effects.markUndone(id);
      }
      await store.failovers.update(failover.id, { state: 'cleaned' });
      await store.workloads.update(workload.id, { state: 'protected' });
    });
    const { plan, job } = await site.call('startCleanup', { body: {} });
    expect(plan.map(({ kind }) => kind).sort()).toEqual(['network', 'vm', 'volume']);
    expect((await site.site.end(job ?? { id: '' })).problem).toBeUndefined();
    await site.expectClean();
  });

  it('waits for its replication also where only one job may run at a time', async () => {
    const workload = await site.protectedWorkload('single', [8]);
    const limits = await site.call('getLimits', {});
    await site.call('putLimits', { body: { ...limits, concurrentJobs: 1 } });
    const failover = await site.test(workload, { point: 'fresh' });
    expect(failover).toMatchObject({ state: 'active' });
    await site.call('putLimits', { body: limits });
    await site.end(failover);
  });
});
