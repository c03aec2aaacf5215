import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CloudId, type Failover, isOsseaError } from '../../appliance-agent/src/contract/index.ts';
import { SignedClient } from '../lab/cloud/signedClient.ts';
import { noFaults } from '../lab/vcenter/vcenter.ts';
import { LiveSite } from './liveSite.ts';

let site: LiveSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  site = await LiveSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  Object.assign(site.site.lab.vcenter.faults, noFaults);
});

/** What an administrator of the cloud does behind our back. */
function asAdministrator(command: string, parameters: Record<string, string>) {
  const { url, adminApiKey: apiKey, adminSecretKey: secretKey } = site.site.lab.cloud;
  return new SignedClient({ url, apiKey, secretKey }).job(command, parameters);
}

const timeIsOver = ({ id }: Failover) =>
  site.site.inDatabase((store) =>
    store.failovers.update(id, { commitBy: new Date(Date.now() - 1000).toISOString() }),
  );

it('a rollback whose turn comes after the commit destroys nothing: the VM is its owner’s by then', async () => {
  const workload = await site.protectedWorkload('raced', [8]);
  const failover = await site.failOver(workload);
  const { cloud } = site.site.lab;
  // Its plan takes the rollback long enough for a commit to begin and to end.
  cloud.inject({ command: 'listSnapshots', kind: 'throttle', times: 7 });
  const asked = () => cloud.calls.filter(({ command }) => command === 'listSnapshots').length;
  const before = asked();
  const rollback = site.client
    .call('rollBackFailover', { params: { id: failover.id }, body: { confirmName: failover.vm?.name } })
    .catch((error: unknown) => error);
  await expect.poll(asked, { timeout: 60_000 }).toBeGreaterThanOrEqual(before + 6);
  expect((await site.commit(failover)).state).toBe('committed');
  const answer = await rollback;
  // On a slow machine the commit is still at work when the plan is there.
  if (!isOsseaError(answer, 'job.running')) {
    expect((await site.site.end(Object(answer).job)).problem).toMatchObject({
      code: 'request.conflict',
      detail: expect.stringContaining('It is committed.'),
    });
  }
  expect(site.targetVm(failover)).toMatchObject({ state: 'Running' });
  expect(site.targetVm(failover)?.volumeIds).toHaveLength(1);
  expect((await site.get(failover.id)).state).toBe('committed');
  expect(await site.workloadNow(workload)).toMatchObject({ state: 'migrated' });
  expect(site.source(workload)).toMatchObject({ powerState: 'poweredOff', fenced: true });
});

it('the commit timer commits nothing whose VM does not run any more, though its proof passed: it asks', async () => {
  const workload = await site.protectedWorkload('died', [8]);
  const failover = await site.failOver(workload, { onCommitTimeout: 'commit' });
  expect(failover.proof?.passed).toBe(true);
  await asAdministrator('stopVirtualMachine', { id: failover.vm?.id ?? '', forced: 'true' });
  await timeIsOver(failover);
  const asking = await site.until(failover.id, ({ problem }) => problem !== undefined);
  expect(asking).toMatchObject({ state: 'active', problem: { code: 'failover.undecided' } });
  expect(asking.problem?.detail).toContain('its VM is Stopped');
  await site.settled(failover.id);
  expect(site.site.lab.cloud.snapshots(), 'the way back').toHaveLength(1);
  await site.rollBack(failover);
  site.expectSourceFree(workload);
});

it('a target that somebody expunged with its disk does not keep the source off: it is rolled back, and what is left of its replica goes', async () => {
  const workload = await site.protectedWorkload('expunged', [8, 8]);
  const failover = await site.failOver(workload);
  await asAdministrator('destroyVirtualMachine', { id: failover.vm?.id ?? '', expunge: 'true' });
  const back = await site.rollBack(failover);
  expect(back.state).toBe('rolled-back');
  expect(site.source(workload).powerState).toBe('poweredOn');
  site.expectSourceFree(workload);
  const { attention } = await site.workloadNow(workload);
  expect(attention?.detail).toMatch(/volumes of Hard disk 1 of expunged are not in CloudStack any more/);
  const { job } = await site.client.call('startCleanup', {
    body: { workloadId: workload.id, removeReplica: true },
  });
  expect((await site.site.end(job ?? { id: '' })).problem).toBeUndefined();
  await site.expectNothingLeft();
});

it('what an earlier failover left late goes without a disk out of the VM of a later one', async () => {
  const workload = await site.protectedWorkload('twice', [8, 8]);
  const first = await site.failOver(workload);
  await site.rollBack(first);
  const second = await site.failOver(workload);
  const { networkId, ...defaults } = site.site.lab.cloud.defaults;
  // A deployment of the first, whose answer was lost, takes effect now.
  await new SignedClient(site.site.lab.cloud).job('deployVirtualMachine', {
    zoneid: defaults.zoneId,
    serviceofferingid: defaults.serviceOfferingId,
    templateid: defaults.templateId,
    displayname: `twice (ossea-${first.id.replaceAll('-', '').slice(-12)})`,
    name: 'twice-late',
    'iptonetworklist[0].networkid': networkId,
  });
  const late = () => site.site.lab.cloud.vms().find(({ name }) => name === 'twice-late');
  expect(late()?.state).toBe('Running');
  const refused = site.client.call('cleanUpFailover', { params: { id: first.id }, body: {} });
  await expect(refused).rejects.toMatchObject({
    code: 'request.conflict',
    remedy: expect.stringContaining('general cleanup'),
  });
  const { job } = await site.client.call('startCleanup', { body: {} });
  expect((await site.site.end(job ?? { id: '' })).problem).toBeUndefined();
  expect(late()?.state ?? 'Expunged').toMatch(/Destroyed|Expunged/);
  expect(site.targetVm(second)).toMatchObject({ state: 'Running' });
  expect(site.targetVm(second)?.volumeIds).toHaveLength(2);
  expect((await site.workloadNow(workload)).state).toBe('failed-over');
  await site.rollBack(second);
  site.expectSourceFree(workload);
});

describe('a rollback gives the source back', () => {
  it('its adapters as they were, also those that somebody had connected or disconnected for a time', async () => {
    const nics = [{ mac: '00:50:56:ab:01:01' }, { mac: '00:50:56:ab:01:02' }];
    const workload = await site.protectedWorkload('wired', [8], { nics });
    const { networkId, testNetworkId } = site.cloudDefaults;
    const vm = site.source(workload);
    const [first, second] = vm.nics.map(({ key }) => key);
    vm.connectNic(first ?? 0, { connected: false, startConnected: true });
    vm.connectNic(second ?? 0, { connected: true, startConnected: false });
    const before = vm.nics;
    await site.client.call('updateWorkload', {
      params: { id: workload.id },
      body: {
        nics: before.map(({ key }, index) => ({
          key,
          networkId: index === 0 ? CloudId.parse(networkId) : testNetworkId,
          keepMac: false,
        })),
      },
    });
    const failover = await site.failOver(workload);
    expect(failover.problem).toBeUndefined();
    expect(vm.fenced).toBe(true);
    await site.rollBack(failover);
    expect(vm.powerState).toBe('poweredOn');
    expect(vm.nics).toEqual(before);
  });

  it('also where another VM has its name by now, and says so', async () => {
    const workload = await site.protectedWorkload('namesake', [8]);
    const failover = await site.failOver(workload);
    await site.site.lab.vcenter.addVm({ name: 'namesake' });
    const back = await site.rollBack(failover);
    expect(site.source(workload)).toMatchObject({ powerState: 'poweredOn', fenced: false });
    expect(site.source(workload).name).toMatch(/^namesake \(migrated, ossea-/);
    const { steps } = await site.client.call('getJob', { params: { id: back.jobId ?? '' } });
    expect(steps.find(({ name }) => name === 'unfence')).toMatchObject({
      state: 'done',
      message: expect.stringContaining('Another VM is called namesake by now'),
    });
  });
});

describe('a vCenter', () => {
  it('that is lost after the fence does not keep the target from starting: the source is off and cut off', async () => {
    const workload = await site.protectedWorkload('beheaded', [8]);
    const { cloud, vcenter } = site.site.lab;
    cloud.inject({ command: 'createSnapshot', kind: 'slow-job' });
    cloud.faults.slowJobMs = 4000;
    const { id } = await site.start(workload);
    await site.stepRuns(id, 'protect');
    vcenter.faults.soapUnavailable = 1;
    const failover = await site.settled(id, 180_000);
    expect(failover).toMatchObject({ state: 'active', proof: { passed: true } });
    const { steps } = await site.client.call('getJob', { params: { id: failover.jobId ?? '' } });
    expect(steps.find(({ name }) => name === 'start')?.message).toContain('vCenter did not answer any more');
    vcenter.faults.soapUnavailable = 0;
    await site.rollBack(failover);
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
  });

  it('that takes calls and answers none neither holds an unplanned failover up for long, nor the timers of others', async () => {
    const timed = await site.failOver(await site.protectedWorkload('timed', [8]));
    const workload = await site.protectedWorkload('hung', [8]);
    const { faults } = site.site.lab.vcenter;
    faults.latencyMs = 600_000;
    const { id } = await site.start(workload, { mode: 'unplanned' });
    // One call that is not answered would be waited for for five minutes.
    const failover = await site.settled(id, 180_000);
    expect(failover).toMatchObject({ state: 'active', proof: { passed: true } });
    const calls = () => site.site.lab.vcenter.calls.length;
    const before = calls();
    // It is asked at once whether it is back.
    await timeIsOver(timed);
    await site.until(timed.id, ({ problem }) => problem?.code === 'failover.undecided');
    expect(calls(), 'while vCenter had not answered').toBe(before);
    faults.latencyMs = 0;
    site.site.lab.vcenter.cutConnections();
    await site.rollBack(failover);
    expect(site.source(workload)).toMatchObject({ powerState: 'poweredOn', fenced: false });
    await site.rollBack(timed);
    await site.expectNothingLeft();
  });
});
