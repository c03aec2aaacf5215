import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  CloudId,
  type Failover,
  isOsseaError,
  type Workload,
} from '../../appliance-agent/src/contract/index.ts';
import { reachMacOf } from '../../appliance-agent/src/workflows/failover/ownerIds.ts';
import { SignedClient } from '../lab/cloud/signedClient.ts';
import { TestSite } from './testSite.ts';
import { until } from './until.ts';

const run = promisify(execFile);
const port = 8022;
const checks = [{ kind: 'ping' as const }, { kind: 'tcp' as const, port }];

let site: TestSite;
let workload: Workload;

vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  site = await TestSite.open({ cloud: { kernelNics: true } });
  workload = await site.protectedWorkload('secluded', [4]);
}, 180_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

/** The namespaces of the agent's on this machine that are for the lab's appliance. */
async function namespaces(networkId: string): Promise<string[]> {
  const name = `ossea-${macOn(networkId).replaceAll(':', '')}`;
  const { stdout } = await run('ip', ['netns', 'list']);
  return stdout.split('\n').filter((line) => line.startsWith(name));
}

const macOn = (networkId: string) => reachMacOf(site.cloud.applianceVmId, networkId);
const applianceNics = () => site.cloud.vm(site.cloud.applianceVmId).nics;
const networkOf = ({ name }: Workload) => site.cloud.vm(`${name}-test`).nics[0]?.networkId ?? '';
/** The guest of a test's VM answers from now on. */
const answer = ({ name }: Workload) => site.cloud.guestAnswers(`${name}-test`, port);
const routes = async () => (await run('ip', ['-4', 'route', 'show', 'table', 'all'])).stdout;

async function expectNoNic(failover: Failover, networkId: string): Promise<void> {
  expect(applianceNics().length, 'the appliance has its own NIC alone').toBe(1);
  expect(await namespaces(networkId)).toEqual([]);
  await site.inDatabase(async (store) => {
    expect(await store.effects.listOpen({ failoverId: failover.id, kind: 'nic' })).toEqual([]);
  });
}

describe('the checks of a test on a network that the appliance is not on', () => {
  it('go through a NIC of the appliance that its own routes know nothing of, and that is gone afterwards', async () => {
    const plan = await site.call('planFailover', {
      params: { id: workload.id },
      body: { kind: 'test', createNetwork: true, checks },
    });
    expect(plan.steps.find(({ name }) => name === 'reach')?.detail).toBe(
      'The appliance gets a NIC on the new network until the checks are done.',
    );
    for (const command of ['addNicToVirtualMachine', 'removeNicFromVirtualMachine'])
      site.cloud.inject({ command, kind: 'job-fails-after-effect' });
    site.cloud.inject({ command: 'addNicToVirtualMachine', kind: 'late-link' });
    const before = await routes();
    const { id } = await site.start(workload, { createNetwork: true, checks });
    await site.step(id, 'proof', 120_000);
    const networkId = networkOf(workload);
    await until(
      () => namespaces(networkId),
      (found) => found.length === 1,
      60_000,
    );
    expect(applianceNics().map((nic) => nic.networkId)).toContain(networkId);
    expect(await routes(), 'the appliance’s own').toBe(before);
    await using _guest = await answer(workload);
    const failover = await site.settled(id, 120_000);
    expect(failover.problem).toBeUndefined();
    expect(failover).toMatchObject({
      state: 'active',
      proof: { passed: true, checks: [{ outcome: 'passed' }, { outcome: 'passed' }] },
    });
    expect(failover.proof?.via).toMatch(/^Through a NIC of the appliance on ossea-test-\S+, as 10\.1\.1\./);
    await expectNoNic(failover, networkId);
    await site.end(failover);
    await site.expectClean();
  });

  it('share the NIC with those of another test on that network, which is nobody’s use of it', async () => {
    const other = await site.protectedWorkload('neighbour', [4]);
    const first = await site.start(workload, { checks });
    await site.step(first.id, 'proof', 120_000);
    const networkId = networkOf(workload);
    const second = await site.start(other, { checks });
    await site.step(second.id, 'proof', 120_000);
    expect(applianceNics().filter((nic) => nic.networkId === networkId).length).toBe(1);
    {
      await using _guest = await answer(workload);
      expect(await site.settled(first.id, 120_000)).toMatchObject({ proof: { passed: true } });
    }
    await site.end(first);
    expect(applianceNics().length, 'the other one still needs it').toBe(2);
    await using _guest = await answer(other);
    const failover = await site.settled(second.id, 120_000);
    expect(failover).toMatchObject({ proof: { passed: true } });
    await expectNoNic(failover, networkId);
    await site.end(failover);
    await site.expectClean();
  });

  it('do not make the network one of production, also where the ledger has let the NIC go before CloudStack has', async () => {
    const networkId = site.cloud.defaults.testNetworkId;
    const user = new SignedClient(site.cloud);
    const virtualmachineid = site.cloud.applianceVmId;
    await user.job('addNicToVirtualMachine', {
      virtualmachineid,
      networkid: networkId,
      macaddress: macOn(networkId),
    });
    const { ready, concerns } = await site.call('planFailover', {
      params: { id: workload.id },
      body: { kind: 'test', networkId: CloudId.parse(networkId), checks },
    });
    const { nic: nics } = await user.call('listNics', { virtualmachineid, networkid: networkId });
    await user.job('removeNicFromVirtualMachine', { virtualmachineid, nicid: nics[0].id });
    expect(concerns.map(({ summary }) => summary).join('\n')).not.toContain('is used by');
    expect(ready).toBe(true);
  });

  it('that are cancelled while CloudStack works on the NIC leave none', async () => {
    Object.assign(site.cloud.faults, { slowJobMs: 3000 });
    site.cloud.inject({ command: 'addNicToVirtualMachine', kind: 'slow-job' });
    const asked = () => site.cloud.calls.filter(({ command }) => command === 'addNicToVirtualMachine').length;
    const before = asked();
    const { id } = await site.start(workload, { checks });
    await until(
      async () => asked(),
      (count) => count > before,
      120_000,
    );
    await site.call('cancelFailover', { params: { id } });
    const failover = await site.settled(id, 120_000);
    expect(failover).toMatchObject({ state: 'interrupted', problem: { code: 'job.cancelled' } });
    await expectNoNic(failover, networkOf(workload));
    await site.end(failover);
    await site.expectClean();
  });

  it('are skipped, and nothing is said of the guest, where CloudStack gives no addresses', async () => {
    const { networkoffering } = await site.cloudCall('listNetworkOfferings', { guestiptype: 'L2' });
    const offering = Object(networkoffering)[0];
    const { zoneId } = site.cloud.defaults;
    const made = await site.cloudCall('createNetwork', {
      name: 'flat',
      zoneid: zoneId,
      networkofferingid: String(offering.id),
    });
    const networkId = CloudId.parse(String(Object(made.network).id));
    const refused = await site
      .start(workload, { networkId, checks, reach: 'nic' })
      .catch((error: unknown) => error);
    expect(isOsseaError(refused, 'failover.not-ready')).toBe(true);
    expect(String(refused)).toContain('CloudStack gives no addresses on flat');
    const failover = await site.test(workload, { networkId, checks });
    expect(failover).toMatchObject({
      state: 'active',
      proof: { passed: true, checks: [{ outcome: 'skipped' }, { outcome: 'skipped' }] },
    });
    expect(failover.proof?.checks[0]?.detail).toContain('Test on an isolated network');
    await site.end(failover);
    await site.cloud.expungeDestroyed();
    await site.cloudCall('deleteNetwork', { id: networkId });
    await until(
      async () => site.cloud.networks(),
      (networks) => networks.every(({ id }) => id !== networkId),
      30_000,
    );
    await site.expectClean();
  });

  it('leave a NIC behind where all goes wrong, which the end of the test and the general cleanup show and remove', async () => {
    const { id } = await site.start(workload, { checks });
    await site.step(id, 'proof', 120_000);
    const networkId = networkOf(workload);
    {
      await using _guest = await answer(workload);
      await site.settled(id, 120_000);
    }
    await site.inDatabase(async (store) => {
      const effects = await store.effects.ofFailovers(site.site.endpoints.target.id);
      const effect = effects.find(({ failoverId, kind }) => failoverId === id && kind === 'nic');
      await store.effects.reopen(effect?.id ?? '');
    });
    await addBehindItsBack(networkId);
    const { plan } = await site.call('cleanUpFailover', { params: { id }, body: { dryRun: true } });
    expect(plan.map(({ kind }) => kind)).toEqual(['vm', 'volume', 'nic']);
    await site.end({ id });
    expect(applianceNics().length).toBe(1);

    await addBehindItsBack(networkId);
    const { plan: orphans, job } = await site.call('startCleanup', { body: {} });
    expect(orphans.map(({ kind }) => kind)).toEqual(['nic']);
    expect((await site.site.end(job ?? { id: '' })).problem).toBeUndefined();
    expect(applianceNics().length).toBe(1);
    await site.expectClean();
  });
});

/** As if an order of the agent's took effect late. */
async function addBehindItsBack(networkId: string): Promise<void> {
  await site.cloudCall('addNicToVirtualMachine', {
    virtualmachineid: site.cloud.applianceVmId,
    networkid: networkId,
    macaddress: macOn(networkId),
  });
  await until(
    async () => applianceNics(),
    (nics) => nics.length === 2,
    30_000,
  );
}
