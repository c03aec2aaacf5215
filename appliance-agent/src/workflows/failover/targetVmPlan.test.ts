import { describe, expect, it } from 'vitest';
import {
  CloudId,
  Conversion,
  DeviceKey,
  isOsseaError,
  type VirtualDisk,
  type VirtualNic,
  WorkloadSettings,
} from '../../contract/index.ts';
import { factsFixture } from '../../plan/facts.testing.ts';
import { vmFixture } from '../../plan/vmFixture.testing.ts';
import { afterConversion, noNic, planTargetVm, type TargetVmFacts, testNetworksOf } from './targetVmPlan.ts';

const failoverId = '0d5e2a52-93f5-4dc8-8f0e-3f6d1f1a9b11';
const [lan, dmz] = [CloudId.parse('lan'), CloudId.parse('dmz')];
const key = (value: number) => DeviceKey.parse(value);

function disk(number: number, bus: number, unit: number): VirtualDisk {
  const [first] = vmFixture(1).disks;
  if (!first) throw new Error('The fixture has a disk');
  return { ...first, key: key(number), label: `Disk ${number}`, controllerBus: bus, unitNumber: unit };
}

function nic(number: number, mac: string): VirtualNic {
  const [first] = vmFixture(1).nics;
  if (!first) throw new Error('The fixture has an adapter');
  return { ...first, key: key(number), label: `Adapter ${number}`, mac };
}

function facts(changes: Partial<TargetVmFacts> = {}, settings: object = {}): TargetVmFacts {
  const vm = changes.vm ?? vmFixture(1);
  const { workload, target, cloud, targetVms } = factsFixture({ vm });
  return {
    kind: 'live',
    failoverId,
    workload: { ...workload, settings: WorkloadSettings.parse(settings) },
    vm,
    target: target.config,
    cloud,
    targetVms,
    conversion: Conversion.parse({ kind: 'none' }),
    disks: vm.disks.map(({ key: number, label }) => ({ key: number, label, recordId: `record-${number}` })),
    ...changes,
  };
}

const refusal = (given: TargetVmFacts): unknown => {
  try {
    return planTargetVm(given);
  } catch (error) {
    return error;
  }
};

describe('the plan of a target VM', () => {
  it('is the same again for the same facts', () => {
    expect(planTargetVm(facts())).toEqual(planTargetVm(facts()));
  });

  it('boots from the disk at the lowest place, whatever its number, and keeps the others in order', () => {
    const vm = vmFixture(1, { disks: [disk(2000, 1, 0), disk(2001, 0, 1), disk(2002, 0, 0)] });
    const plan = planTargetVm(facts({ vm }));
    expect(plan.bootDisk.key).toBe(2002);
    expect(plan.dataDisks.map(({ key: number }) => number)).toEqual([2000, 2001]);
  });

  it('pitfall 26: boots from the disk that the VM is told to, and not from one that was not replicated', () => {
    const vm = vmFixture(1, { disks: [disk(2000, 0, 0), disk(2001, 0, 1)], bootDiskKey: key(2001) });
    const plan = planTargetVm(facts({ vm }));
    expect(plan.bootDisk.key).toBe(2001);
    expect(plan.dataDisks.map(({ key: number }) => number)).toEqual([2000]);
    const gone = { ...vm, bootDiskKey: key(2009) };
    expect(planTargetVm(facts({ vm: gone })).bootDisk.key).toBe(2000);
  });

  it('pitfall 26: boots from the disk that the conversion found the loader on, by the firmware that it found', () => {
    const vm = vmFixture(1, { disks: [disk(2000, 0, 0), disk(2001, 0, 1)] });
    const given = facts({ vm });
    const plan = afterConversion(planTargetVm(given), given, { bootDiskKey: key(2001), firmware: 'efi' });
    expect(plan.bootDisk.key).toBe(2001);
    expect(plan.dataDisks.map(({ key: number }) => number)).toEqual([2000]);
    expect(plan.hardware.firmware).toBe('uefi');
  });

  it('has adapters in the source’s order, each on its network or on the target’s', () => {
    const vm = vmFixture(1, { nics: [nic(4001, '00:50:56:00:00:01'), nic(4000, '00:50:56:00:00:02')] });
    const nics = [{ key: 4000, networkId: dmz, keepMac: false }];
    const plan = planTargetVm(facts({ vm }, { nics }));
    expect(plan.nics.map(({ sourceKey, networkId }) => [sourceKey, networkId])).toEqual([
      [4001, lan],
      [4000, dmz],
    ]);
  });

  it('keeps a MAC address unless a new one was chosen, and refuses where another VM has it, naming it', () => {
    const vm = vmFixture(1, { nics: [nic(4000, '00:50:56:AA:00:01')] });
    expect(planTargetVm(facts({ vm })).nics[0]?.mac).toBe('00:50:56:aa:00:01');
    const nics = [{ key: 4000, networkId: lan, keepMac: true }];
    expect(planTargetVm(facts({ vm }, { nics })).nics[0]?.mac).toBe('00:50:56:aa:00:01');
    const anew = [{ key: 4000, networkId: lan, keepMac: false }];
    expect(planTargetVm(facts({ vm }, { nics: anew })).nics[0]?.mac).toMatch(/^06:/);
    const targetVms = [{ name: 'old-web', macAddresses: ['00:50:56:aa:00:01'] }];
    const refused = refusal(facts({ vm, targetVms }, { nics }));
    expect(isOsseaError(refused, 'failover.mac-in-use')).toBe(true);
    expect(String(refused)).toContain('old-web');
  });

  it('pitfall 29: gives a test new MAC addresses, also where the workload is to keep its own', () => {
    const nics = [{ key: 4000, networkId: lan, keepMac: true }];
    const testNetworks = new Map([[key(4000), { id: dmz, name: 'DMZ' }]]);
    const plan = planTargetVm(facts({ kind: 'test', testNetworks }, { nics }));
    expect(plan.nics).toMatchObject([{ networkId: dmz, mac: expect.stringMatching(/^06:/) }]);
    expect(plan).toMatchObject({ displayName: 'web-1-test', hostName: 'web-1-test-0d5e' });
  });

  it('gives a custom offering the VM’s numbers, and suggests the smallest that fits where none is chosen', () => {
    const given = facts({}, { serviceOfferingId: 'elsewhere' });
    expect(planTargetVm(given).compute).toEqual({ cpuCount: 2, memoryMib: 4096, cpuSpeedMhz: 1000 });
    const target = { ...facts().target, serviceOfferingId: undefined };
    expect(planTargetVm(facts({ target })).serviceOfferingId).toBe('medium');
    const large = vmFixture(1, { cpuCount: 64 });
    expect(isOsseaError(refusal(facts({ target, vm: large })), 'config.incomplete')).toBe(true);
  });

  it('carries the source’s name, notes and tags, cut to what the target takes', () => {
    const vm = vmFixture(1, { annotation: ` ${'n'.repeat(300)} `, tags: ['gold', 'backup'] });
    expect(planTargetVm(facts({ vm })).tags).toEqual({
      'source-vm': 'web-1',
      'source-notes': 'n'.repeat(255),
      'source-tag-1': 'gold',
      'source-tag-2': 'backup',
    });
  });

  it('is longer by a day than a test’s lease where the cloud ends VMs by itself: the agent comes first', () => {
    const given = facts({ kind: 'test', testNetworks: new Map(), leaseMinutes: 90 });
    expect(planTargetVm(given).leaseDays).toBe(2);
    expect(planTargetVm({ ...given, leaseMinutes: undefined }).leaseDays).toBeUndefined();
  });

  it('of a VM without adapters has the one that the target wants', () => {
    const plan = planTargetVm(facts({ vm: vmFixture(1, { nics: [] }) }));
    expect(plan.nics).toMatchObject([{ sourceKey: undefined, networkId: lan }]);
  });
});

describe('the networks of a test', () => {
  const two = { nics: [nic(4000, ''), nic(4001, '')] };
  const workload = (settings: object) => ({ settings: WorkloadSettings.parse(settings) });
  const own = workload({ nics: [{ key: 4001, networkId: lan, testNetworkId: dmz, keepMac: false }] });

  it('are the given one for the first adapter, and the settings’ for the others', () => {
    const chosen = testNetworksOf(two, own, { networkId: lan, createNetwork: false });
    expect([...chosen]).toEqual([
      [4000, { kind: 'given', networkId: lan }],
      [4001, { kind: 'settings', networkId: dmz }],
    ]);
  });

  it('serve one adapter each: a second one on the same network is left out, or gets a new one', () => {
    const request = { networkId: dmz, createNetwork: false };
    expect([...testNetworksOf(two, own, request).values()].map(({ kind }) => kind)).toEqual([
      'given',
      'missing',
    ]);
    expect(
      [...testNetworksOf(two, own, { ...request, createNetwork: true }).values()].map(({ kind }) => kind),
    ).toEqual(['given', 'to-be-made']);
  });

  it('are made where that is asked for and none is chosen, also for a VM without adapters', () => {
    const created = testNetworksOf({ nics: [] }, workload({}), { createNetwork: true });
    expect([...created]).toEqual([[noNic.key, { kind: 'to-be-made' }]]);
  });
});
