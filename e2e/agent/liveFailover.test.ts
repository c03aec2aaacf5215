import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  CloudId,
  type Failover,
  FailoverReport,
  isOsseaError,
} from '../../appliance-agent/src/contract/index.ts';
import { SignedClient } from '../lab/cloud/signedClient.ts';
import { LiveSite, mebibyte } from './liveSite.ts';

let site: LiveSite;

// Two test files share two cores.
vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  site = await LiveSite.open();
}, 120_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const refusal = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a live failover', () => {
  it('of a VM with UEFI is refused before its shutdown where no host boots it, and warned of where nobody may look', async () => {
    const workload = await site.protectedWorkload('uefi-nowhere', [8], { firmware: 'efi', nics: [] });
    const { cloud } = site.site.lab;
    const told = async (): Promise<string[]> => {
      const { concerns } = await site.client.call('planFailover', {
        params: { id: workload.id },
        body: { kind: 'live' },
      });
      return concerns
        .filter(({ rule }) => /uefi|host/.test(rule))
        .map(({ rule, severity }) => `${severity} ${rule}`);
    };
    const hosts = [{ name: 'kvm-old', uefi: false }];
    cloud.setHosts(hosts);
    expect(await told()).toEqual(['warning target.uefi-unknown']);
    cloud.setAdministrator(true);
    try {
      expect(await told()).toEqual(['critical target.no-uefi-host']);
      const refused = await refusal(site.start(workload));
      expect(isOsseaError(refused, 'failover.not-ready')).toBe(true);
      expect(isOsseaError(refused) && refused.message).toContain('kvm-old');
      expect(site.source(workload).powerState).toBe('poweredOn');
      const { concerns, ready } = await site.client.call('readiness', { params: { id: workload.id } });
      expect(ready, 'it may be replicated meanwhile').toBe(true);
      expect(concerns).toContainEqual(
        expect.objectContaining({ rule: 'target.no-uefi-host', severity: 'warning' }),
      );
      cloud.setHosts([...hosts, { name: 'kvm-new' }]);
      expect(await told()).toEqual([]);
    } finally {
      cloud.setAdministrator(false);
      cloud.setHosts([{ name: 'lab-kvm-1' }]);
    }
  });

  it('ends in a VM with the bytes of the source that it shut down, and can be committed', async () => {
    const workload = await site.protectedWorkload('moved', [8, 12], {
      firmware: 'efi',
      secureBoot: true,
      annotation: 'Ledger since 2019',
      tags: ['Tier: gold'],
    });
    const networkId = CloudId.parse(site.site.lab.cloud.defaults.networkId);
    await site.client.call('updateWorkload', {
      params: { id: workload.id },
      body: { nics: [{ key: 4000, networkId, keepMac: false, address: '10.1.1.77' }] },
    });
    site.source(workload).disk(2000).write(mebibyte, Buffer.alloc(70_000, 3));
    const failover = await site.failOver(workload);
    expect(failover.problem).toBeUndefined();
    expect(failover).toMatchObject({
      state: 'active',
      point: { consistency: 'powered-off' },
      loss: { seconds: 0 },
      proof: { passed: true, powerState: 'Running' },
    });
    expect(failover.downtime?.endedAt).toBeDefined();
    expect(failover.commitBy).toBeDefined();
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    expect(site.targetVm(failover)).toMatchObject({
      boot: { type: 'Uefi', mode: 'secure' },
      details: { rootDiskController: 'virtio' },
      nics: [{ networkId, ip: '10.1.1.77' }],
      tags: { 'source-vm': 'moved', 'source-notes': 'Ledger since 2019', 'source-tag-1': 'Tier: gold' },
    });
    const vm = site.source(workload);
    expect(vm).toMatchObject({ powerState: 'poweredOff', fenced: true, snapshots: [] });
    expect(vm.name).toMatch(/^moved \(migrated, ossea-/);
    expect((await site.workloadNow(workload)).state).toBe('failed-over');
    const { reports } = await site.client.call('getJob', { params: { id: failover.jobId ?? '' } });
    expect(reports.map(({ verified, verifyMode }) => [verified, verifyMode])).toEqual([
      [true, 'delta'],
      [true, 'delta'],
    ]);

    const committed = await site.commit(failover);
    expect(committed.state).toBe('committed');
    expect((await site.workloadNow(workload)).state).toBe('migrated');
    expect(site.source(workload)).toMatchObject({ powerState: 'poweredOff', fenced: true });
    expect(site.targetVm(failover)?.state).toBe('Running');
    await site.expectNothingLeft();

    // What the VM has is its own: no cleanup touches it, not even one that forgets the workload.
    const { plan } = await site.client.call('startCleanup', { body: { dryRun: true } });
    expect(plan).toEqual([]);
    const evidence = async () => {
      const { content } = await site.client.call('failoverReport', { params: { id: failover.id } });
      return { ...FailoverReport.parse(JSON.parse(content)), madeAt: undefined };
    };
    const before = await evidence();
    const { job } = await site.client.call('startCleanup', {
      body: { workloadId: workload.id, removeReplica: true },
    });
    expect((await site.site.end(job ?? { id: '' })).problem).toBeUndefined();
    expect(await evidence(), 'stays, though the workload is forgotten').toEqual(before);
    expect(site.targetVm(failover)).toMatchObject({ state: 'Running' });
    expect(site.targetVm(failover)?.volumeIds).toHaveLength(2);
  });

  it('is rolled back by the name typed, goes on incrementally, and succeeds a second time', async () => {
    const workload = await site.protectedWorkload('returned', [8, 12]);
    const first = await site.failOver(workload);
    expect(first.state).toBe('active');
    const atPoint = await site.site.replicaDigests(workload);
    // The target's guest writes, also behind the disk's end.
    await site.writeOnTarget(workload, 2 * mebibyte, 200_000);
    expect(await site.site.replicaDigests(workload)).not.toEqual(atPoint);

    const { plan } = await site.client.call('rollBackFailover', {
      params: { id: first.id },
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
    const unconfirmed = await refusal(
      site.client.call('rollBackFailover', { params: { id: first.id }, body: { confirmName: 'something' } }),
    );
    expect(isOsseaError(unconfirmed, 'failover.confirmation')).toBe(true);

    const back = await site.rollBack(first);
    expect(back.state).toBe('rolled-back');
    expect(site.targetVm(first)?.state ?? 'Expunged').toMatch(/Destroyed|Expunged/);
    expect(await site.site.replicaDigests(workload), 'the replica is at its point again').toEqual(atPoint);
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    const after = await site.workloadNow(workload);
    expect(after).toMatchObject({ state: 'protected' });
    expect(after.attention).toBeUndefined();
    await site.expectNothingLeft();

    site
      .source(workload)
      .disk(2001)
      .write(5 * mebibyte, Buffer.alloc(65_536, 9));
    const job = await site.site.replicate(workload);
    expect(job.problem).toBeUndefined();
    expect(
      job.reports.every(({ copiedBytes }) => copiedBytes <= mebibyte),
      'nothing but the change is copied',
    ).toBe(true);
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));

    const second = await site.failOver(workload);
    expect(second).toMatchObject({ state: 'active', proof: { passed: true } });
    expect(await site.site.replicaDigests(workload)).toEqual(await site.sourceDigests(workload));
    await site.commit(second);
    await site.expectNothingLeft();
  });

  it('while it stands, no job writes the source over the target, and no second one starts', async () => {
    const workload = await site.protectedWorkload('guarded', [8]);
    const failover = await site.failOver(workload);
    const params = { id: workload.id };
    const refused = await Promise.all(
      [
        site.client.call('startReplicate', { params, body: {} }),
        site.client.call('startVerify', { params, body: { mode: 'readback' } }),
        site.client.call('startVerify', { params, body: { mode: 'source' } }),
        site.client.call('startCleanup', { body: { workloadId: workload.id, removeReplica: true } }),
        site.start(workload),
        site.client.call('cleanUpFailover', { params: { id: failover.id }, body: {} }),
        site.client.call('retryFailover', { params: { id: failover.id } }),
      ].map(refusal),
    );
    expect(refused.map((error) => isOsseaError(error) && error.code)).toEqual([
      'request.conflict',
      'request.conflict',
      'request.conflict',
      'request.conflict',
      'failover.not-ready',
      'request.conflict',
      'request.conflict',
    ]);
    for (const error of refused) expect(isOsseaError(error) && error.remedy).toBeTruthy();
    await site.commit(failover);
    const afterwards = await refusal(site.client.call('startReplicate', { params, body: {} }));
    expect(isOsseaError(afterwards, 'request.conflict')).toBe(true);
  });

  it('refuses a downtime over the budget with its figures, having done nothing', async () => {
    const workload = await site.protectedWorkload('budgeted', [8]);
    const failover = await site.failOver(workload, {
      acceptForecast: false,
      downtimeBudgetSeconds: 1,
      maxRounds: 1,
    });
    expect(failover.state).toBe('cleaned');
    expect(failover.problem).toMatchObject({ code: 'failover.not-ready', field: 'downtimeBudgetSeconds' });
    expect(failover.problem?.detail).toMatch(/about \d+ s .*budget is 1 s/);
    expect(failover.downtime).toBeUndefined();
    expect(site.source(workload).powerState).toBe('poweredOn');
    site.expectSourceFree(workload);
    await site.expectNothingLeft();
    const { cycles } = await site.client.call('replication', { params: { id: workload.id } });
    expect(cycles.length, 'a round was tried').toBe(2);
  });

  it('of a VM that is off already asks nothing of it, and a rollback leaves it off', async () => {
    const workload = await site.protectedWorkload('cold', [8], { powerState: 'poweredOff' });
    const failover = await site.failOver(workload);
    expect(failover.state).toBe('active');
    const { plan } = await site.client.call('rollBackFailover', {
      params: { id: failover.id },
      body: { dryRun: true },
    });
    expect(plan.some(({ kind }) => kind === 'source-power')).toBe(false);
    await site.rollBack(failover);
    expect(site.source(workload).powerState).toBe('poweredOff');
    site.expectSourceFree(workload);
  });

  it('pitfall 26: boots from the disk that its VM is told to, not from the first, goes back and moves again', async () => {
    const fill = (seed: number) => ({ seed, dataFraction: 0.5, pattern: 'random' as const });
    const workload = await site.protectedWorkload('places', [], {
      disks: [
        { sizeBytes: 8 * mebibyte, controller: 'sata', fill: fill(1) },
        { sizeBytes: 12 * mebibyte, fill: fill(2) },
        { sizeBytes: 10 * mebibyte, fill: fill(3) },
      ],
      bootDisk: 2,
    });
    const plan = await site.client.call('planFailover', {
      params: { id: workload.id },
      body: { kind: 'live' },
    });
    expect(plan.method).toMatchObject({ kind: 'deploy-from-volume' });
    expect(plan.steps.find(({ name }) => name === 'vm')?.detail).toBe('It boots from Hard disk 3.');
    const keys = [2001, 2000, 16_000];
    const [sata, first, told] = await site.sourceDigests(workload);
    const expectInPlace = async (failover: Failover) => {
      expect(failover).toMatchObject({ state: 'active', proof: { passed: true } });
      const { disks } = await site.workloadNow(workload);
      const vm = site.targetVm(failover);
      expect(vm?.volumeIds).toEqual(keys.map((key) => disks.find((disk) => disk.key === key)?.volumeId));
      const types = new Map(site.site.lab.cloud.volumes().map(({ id, type }) => [id, type]));
      expect(vm?.volumeIds.map((id) => types.get(id))).toEqual(['ROOT', 'DATADISK', 'DATADISK']);
      expect(await site.site.replicaDigests(workload), 'by their keys').toEqual([first, told, sata]);
    };
    const failover = await site.failOver(workload);
    await expectInPlace(failover);
    await site.rollBack(failover);
    site.expectSourceFree(workload);
    const again = await site.failOver(workload);
    await expectInPlace(again);
    await site.commit(again);
    await site.expectNothingLeft();
  });
});

it('a rollback does not keep others from being tested, though its VM is in the test network before it goes', async () => {
  const [workload, other] = [
    await site.protectedWorkload('on-its-way', [4]),
    await site.protectedWorkload('waiting', [4]),
  ];
  const failover = await site.failOver(workload);
  const { cloud } = site.site.lab;
  const networkId = site.cloudDefaults.testNetworkId;
  cloud.inject({ command: 'destroyVirtualMachine', kind: 'job-fails', times: 2 });
  const rollback = site.rollBack(failover);
  const isThere = () => site.targetVm(failover)?.nics.some((nic) => nic.networkId === networkId);
  await expect.poll(isThere, { timeout: 60_000, interval: 20 }).toBe(true);
  const { concerns } = await site.client.call('planFailover', {
    params: { id: other.id },
    body: { kind: 'test', networkId },
  });
  expect(isThere(), 'it is looked at while the VM is there').toBe(true);
  expect(concerns.filter(({ severity }) => severity === 'critical')).toEqual([]);
  expect(await rollback).toMatchObject({ state: 'rolled-back' });
});

describe('the commit timer', () => {
  const runsOut = ({ id }: Failover) =>
    site.site.inDatabase((store) =>
      store.failovers.update(id, { commitBy: new Date(Date.now() - 1000).toISOString() }),
    );
  const isUndecided = ({ problem }: Failover) => problem?.code === 'failover.undecided';

  it('that runs out calls for a person and gives nothing up; more time takes the call back', async () => {
    const workload = await site.protectedWorkload('undecided', [8]);
    const failover = await site.failOver(workload, { commitMinutes: 60 });
    expect(Date.parse(failover.commitBy ?? '')).toBeGreaterThan(Date.now() + 50 * 60_000);
    await runsOut(failover);
    const asking = await site.until(failover.id, isUndecided);
    expect(asking.state).toBe('active');
    expect(asking.problem?.remedy).toBe('Commit it, roll it back, or give it more time.');
    expect((await site.workloadNow(workload)).attention?.code).toBe('failover.undecided');
    expect(site.targetVm(failover)?.state).toBe('Running');
    expect(site.site.lab.cloud.snapshots(), 'the way back').toHaveLength(1);

    const extended = await site.client.call('extendCommit', {
      params: { id: failover.id },
      body: { minutes: 120 },
    });
    expect(extended.problem).toBeUndefined();
    expect(Date.parse(extended.commitBy ?? '')).toBeGreaterThan(Date.now() + 110 * 60_000);
    expect((await site.workloadNow(workload)).attention).toBeUndefined();
    const back = await site.rollBack(failover);
    expect(back).toMatchObject({ state: 'rolled-back' });
    expect(back.commitBy).toBeUndefined();
    const late = await refusal(
      site.client.call('extendCommit', { params: { id: failover.id }, body: { minutes: 5 } }),
    );
    expect(isOsseaError(late, 'request.conflict')).toBe(true);
    site.expectSourceFree(workload);
  });

  it('that ran out while the agent was down commits at its next start where that was chosen, and the report names it', async () => {
    const workload = await site.protectedWorkload('timed', [8]);
    const failover = await site.failOver(workload, { onCommitTimeout: 'commit' });
    expect(failover.state).toBe('active');
    await site.site.agent.kill();
    await runsOut(failover);
    await site.startAgent();
    await site.until(failover.id, ({ state }) => state === 'committed');
    const committed = await site.settled(failover.id);
    expect(committed.problem).toBeUndefined();
    expect((await site.workloadNow(workload)).state).toBe('migrated');
    expect(site.targetVm(failover)?.state).toBe('Running');
    expect(site.source(workload)).toMatchObject({ powerState: 'poweredOff', fenced: true });
    await site.expectNothingLeft();
    const people = async () => {
      const { content } = await site.client.call('failoverReport', { params: { id: failover.id } });
      return FailoverReport.parse(JSON.parse(content)).people.map(
        ({ actor, action }) => `${actor}: ${action}`,
      );
    };
    await expect.poll(people, { timeout: 20_000 }).toContain('commit timer: commitFailover');
  });

  it('commits nothing whose VM has not shown that it came up: it asks', async () => {
    const workload = await site.protectedWorkload('unproven', [8]);
    const failover = await site.failOver(workload, {
      onCommitTimeout: 'commit',
      checks: [{ kind: 'tcp', host: '127.0.0.1', port: 1 }],
      bootPatienceSeconds: 1,
    });
    expect(failover).toMatchObject({ state: 'active', problem: { code: 'failover.boot' } });
    await runsOut(failover);
    const asking = await site.until(failover.id, isUndecided);
    expect(asking.state).toBe('active');
    expect(asking.problem?.detail).toContain('has not shown that it came up');
    const refused = await refusal(
      site.client.call('commitFailover', { params: { id: failover.id }, body: {} }),
    );
    expect(isOsseaError(refused, 'failover.boot')).toBe(true);
    expect((await site.commit(failover, { acceptFailedProof: true })).state).toBe('committed');
  });
});

describe('a MAC address', () => {
  const nics = [{ mac: '00:50:56:ab:00:01' }];

  it('is kept where it is free', async () => {
    const workload = await site.protectedWorkload('kept-mac', [8], { nics });
    await site.keepMac(workload);
    const failover = await site.failOver(workload);
    expect(failover.vm?.nics.map(({ mac }) => mac)).toEqual(['00:50:56:ab:00:01']);
    expect(site.targetVm(failover)?.nics.map(({ mac }) => mac)).toEqual(['00:50:56:ab:00:01']);
    await site.commit(failover);
  });

  it('is free again after a rollback, also where the account may not expunge: the next failover keeps it too', async () => {
    const mac = '00:50:56:ab:00:02';
    const workload = await site.protectedWorkload('again-mac', [8], { nics: [{ mac }] });
    await site.keepMac(workload);
    const first = await site.failOver(workload);
    expect(site.targetVm(first)?.nics.map((nic) => nic.mac)).toEqual([mac]);
    await site.rollBack(first);
    const second = await site.failOver(workload);
    expect(second.problem).toBeUndefined();
    expect(site.targetVm(second)?.nics.map((nic) => nic.mac)).toEqual([mac]);
    await site.commit(second);
  });

  it('is free again also where the VM was on every network of an account that may not expunge', async () => {
    const macs = ['00:50:56:ab:00:03', '00:50:56:ab:00:04'];
    const workload = await site.protectedWorkload('both-nets', [8], { nics: macs.map((mac) => ({ mac })) });
    const { networkId, testNetworkId } = site.site.lab.cloud.defaults;
    const networks = [networkId, testNetworkId].map((id) => CloudId.parse(id));
    const { vms } = await site.client.call('inventory', { params: { id: workload.sourceId } });
    const { nics = [] } = vms.find(({ instanceUuid }) => instanceUuid === workload.instanceUuid) ?? {};
    await site.client.call('updateWorkload', {
      params: { id: workload.id },
      body: {
        nics: nics.map(({ key }, index) => ({
          key,
          networkId: networks[index] ?? networks[0]!,
          keepMac: true,
        })),
      },
    });
    await site.rollBack(await site.failOver(workload));
    const second = await site.failOver(workload);
    expect(second.problem).toBeUndefined();
    expect(site.targetVm(second)?.nics.map(({ mac }) => mac)).toEqual(macs);
    await site.commit(second);
  });

  it('that stays with the destroyed VM, as its account has no other network, is told by the rollback and before the next failover', async () => {
    await using alone = await LiveSite.open();
    const { cloud } = alone.site.lab;
    await new SignedClient(cloud).job('deleteNetwork', { id: cloud.defaults.testNetworkId });
    const mac = '00:50:56:ab:00:05';
    const workload = await alone.protectedWorkload('one-net', [8], { nics: [{ mac }] });
    const rolledBack = await alone.rollBack(await alone.failOver(workload));
    const { steps } = await alone.client.call('getJob', { params: { id: rolledBack.jobId ?? '' } });
    expect(steps.find(({ name }) => name === 'vm')?.message).toContain(mac);
    const { concerns } = await alone.client.call('planFailover', {
      params: { id: workload.id },
      body: { kind: 'live' },
    });
    expect(concerns.map(({ rule, severity }) => `${severity} ${rule}`)).toContain('warning nic.mac-held');
  });

  it('that another VM has is refused before anything is done, and not changed', async () => {
    const workload = await site.protectedWorkload('lost-mac', [8], { nics });
    await site.keepMac(workload);
    const refused = await refusal(site.start(workload));
    expect(isOsseaError(refused, 'failover.not-ready')).toBe(true);
    expect(isOsseaError(refused) && refused.message).toMatch(/00:50:56:ab:00:01, but kept-mac .* has it/);
    const { items } = await site.client.call('listFailovers', { query: { workloadId: workload.id } });
    expect(items).toEqual([]);
    expect(site.source(workload).powerState).toBe('poweredOn');
  });
});
