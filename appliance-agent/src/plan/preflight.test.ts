import { describe, expect, test } from 'vitest';
import {
  CloudId,
  DeviceKey,
  MoRef,
  type Problem,
  type VirtualDisk,
  type VirtualMachine,
  type VirtualNic,
  VolumeId,
  type WorkloadSettings,
} from '../contract/index.ts';
import { diskRules, nicRules } from './deviceRules.ts';
import { cloudFixture, factsFixture, hostsFixture } from './facts.testing.ts';
import type { Facts } from './facts.ts';
import { hostRules } from './hostRules.ts';
import { inventoryConcerns, preflight } from './preflight.ts';
import { sourceRules } from './sourceRules.ts';
import { targetRules } from './targetRules.ts';
import { vmFixture } from './vmFixture.testing.ts';
import { vmRules } from './vmRules.ts';

const gibibyte = 2 ** 30;
const told = (facts: Facts) => preflight(facts).map(({ rule, severity }) => `${severity} ${rule}`);
const snapshots = (count: number): VirtualMachine['snapshots'] =>
  Array.from({ length: count }, (_, index) => ({
    moRef: MoRef.parse(`snapshot-${index}`),
    name: 'nightly',
    description: '',
    createdAt: '2026-01-01T00:00:00Z',
  }));

const vm = (changes: Partial<VirtualMachine>) => factsFixture({ vm: vmFixture(1, changes) });
const disk = (changes: Partial<VirtualDisk>, ofVm: Partial<VirtualMachine> = {}) =>
  vm({ ...ofVm, disks: vmFixture(1).disks.map((one) => ({ ...one, ...changes })) });
const nic = (changes: Partial<VirtualNic>) =>
  vm({ nics: vmFixture(1).nics.map((one) => ({ ...one, ...changes })) });
const twoNics = vmFixture(1).nics.flatMap((one) => [
  one,
  { ...one, key: DeviceKey.parse(4001), label: 'Network adapter 2', mac: '00:50:56:00:00:02' },
]);
const hosted = (changes: Partial<VirtualMachine>, hosts: Parameters<typeof hostsFixture>[0] | undefined) =>
  factsFixture({
    vm: vmFixture(1, changes),
    cloud: cloudFixture(hosts ? { hosts: hostsFixture(hosts) } : {}),
  });
const limited = (resource: 'volume' | 'primary-storage' | 'vm' | 'cpu' | 'memory', max: number) =>
  factsFixture({ cloud: cloudFixture({ limits: [{ resource, max, used: max }] }) });
const chosen = (settings: Partial<WorkloadSettings>, changes: Partial<Facts> = {}) => {
  const facts = factsFixture(changes);
  return { ...facts, workload: { ...facts.workload, settings: { ...facts.workload.settings, ...settings } } };
};
const withDisk = (changes: Partial<Facts['workload']['disks'][number]>) => {
  const facts = factsFixture();
  const disks = facts.workload.disks.map((one) => ({ ...one, ...changes }));
  return { ...facts, workload: { ...facts.workload, disks } };
};
const problem: Problem = {
  code: 'source.no-transport',
  title: '',
  detail: 'web-1 cannot be read.',
  remedy: 'Install VDDK.',
  retryable: false,
};
const key = DeviceKey.parse(2000);
const nicKey = DeviceKey.parse(4000);

const cases: readonly (readonly [string, Facts])[] = [
  ['critical vm.template', vm({ isTemplate: true })],
  ['critical vm.not-connected', vm({ connectionState: 'inaccessible' })],
  ['critical vm.no-disk', vm({ disks: [] })],
  ['critical vm.fault-tolerance', vm({ faultToleranceOn: true })],
  ['critical vm.passthrough', vm({ hostDevices: ['pci-passthrough'] })],
  ['critical vm.snapshot-chain', vm({ snapshots: snapshots(31) })],
  ['warning vm.host-device', vm({ hostDevices: ['usb'] })],
  ['warning vm.vtpm', vm({ vtpm: true })],
  ['warning vm.encrypted', vm({ encrypted: true })],
  ['warning vm.change-tracking-unsupported', vm({ hardwareVersion: 4 })],
  ['warning vm.change-tracking-blocked', vm({ changeTracking: false, snapshots: snapshots(1) })],
  ['info vm.change-tracking-off', vm({ changeTracking: false })],
  ['warning vm.consolidation-needed', vm({ consolidationNeeded: true })],
  ['warning vm.snapshots', vm({ snapshots: snapshots(2) })],
  ['warning vm.suspended', vm({ powerState: 'suspended' })],
  ['warning vm.guest-unsupported', vm({ guestId: 'solaris11_64Guest', guestFullName: 'Oracle Solaris 11' })],
  ['warning vm.tools-missing', vm({ toolsState: 'notInstalled' })],
  ['info vm.host-name-unknown', vm({ guestHostName: undefined })],
  ['critical disk.independent', disk({ mode: 'independent_persistent' })],
  ['critical disk.nonpersistent', disk({ mode: 'nonpersistent' })],
  ['critical disk.rdm-physical', disk({ rdm: 'physical' })],
  ['info disk.rdm-virtual', disk({ rdm: 'virtual' })],
  ['critical disk.shared', disk({ shared: true })],
  ['critical disk.capacity', disk({ capacityBytes: 0 })],
  ['critical disk.datastore-missing', disk({ datastore: undefined })],
  ['warning disk.change-tracking-off', disk({ changeTracking: false })],
  ['warning nic.sriov', nic({ adapter: 'sriov' })],
  ['warning nic.network-missing', nic({ network: undefined })],
  ['info nic.address-unknown', nic({ ipAddresses: [] })],
  [
    'critical source.privilege-missing',
    factsFixture({
      missingPrivileges: [
        {
          privilege: 'VirtualMachine.State.CreateSnapshot',
          object: 'group-d1',
          objectName: 'Datacenters',
          neededFor: 'to take snapshots',
        },
      ],
    }),
  ],
  ['critical disk.unreadable', factsFixture({ transports: new Map([[key, problem]]) })],
  [
    'warning disk.streamed',
    factsFixture({ transports: new Map([[key, { kind: 'nfc', reason: 'No other way.' }]]) }),
  ],
  [
    'warning source.change-tracking-fault',
    factsFixture({ host: { name: 'esx-1', version: '6.0.0', build: 3_029_758 } }),
  ],
  [
    'warning source.datastore-space',
    factsFixture({ datastores: [{ name: 'full', capacityBytes: 2 ** 42, freeBytes: gibibyte }] }),
  ],
  ['warning source.clock-skew', factsFixture({ clockSkew: { source: 600, target: 0 } })],
  ['warning target.clock-skew', factsFixture({ clockSkew: { source: 0, target: -90 } })],
  [
    'critical target.configuration',
    factsFixture({
      configProblem: { ...problem, code: 'config.incomplete', detail: 'No network is chosen.' },
    }),
  ],
  ['critical target.appliance-unknown', factsFixture({ cloud: cloudFixture({ applianceVm: undefined }) })],
  [
    'critical target.appliance-zone',
    factsFixture({
      cloud: cloudFixture({
        applianceVm: { id: CloudId.parse('appliance'), name: 'appliance', zoneId: CloudId.parse('far') },
      }),
    }),
  ],
  ['critical target.limit-volumes', limited('volume', 20)],
  ['critical target.limit-primary-storage', limited('primary-storage', 200)],
  ['warning target.limit-vms', limited('vm', 20)],
  ['warning target.limit-cpus', limited('cpu', 40)],
  ['warning target.limit-memory', limited('memory', 40_960)],
  [
    'warning target.attach-slots',
    factsFixture({ cloud: cloudFixture({ attachSlots: { used: 13, max: 13 } }) }),
  ],
  [
    'warning target.too-many-disks',
    factsFixture({
      vm: vmFixture(1, {
        disks: vmFixture(1).disks.flatMap((one) => [
          one,
          { ...one, key: DeviceKey.parse(2001), label: 'Hard disk 2' },
          { ...one, key: DeviceKey.parse(2002), label: 'Hard disk 3' },
        ]),
      }),
      cloud: cloudFixture({ attachSlots: { used: 0, max: 1 } }),
    }),
  ],
  ['critical target.service-offering-missing', chosen({ serviceOfferingId: CloudId.parse('elsewhere') })],
  ['warning target.offering-too-small', chosen({ serviceOfferingId: CloudId.parse('small') })],
  ['critical disk.offering-unusable', withDisk({ diskOfferingId: CloudId.parse('fixed') })],
  ['info disk.grown', withDisk({ volumeBytes: gibibyte })],
  [
    'critical nic.target-network-missing',
    chosen({ nics: [{ key: nicKey, networkId: CloudId.parse('far-lan'), keepMac: false }] }),
  ],
  ['warning nic.same-network', vm({ nics: twoNics })],
  [
    'warning nic.mac-in-use',
    chosen(
      { nics: [{ key: nicKey, networkId: CloudId.parse('lan'), keepMac: true }] },
      { targetVms: [{ name: 'old', macAddresses: ['00:50:56:00:00:01'] }] },
    ),
  ],
  ['critical vm.name', chosen({ targetName: '-' })],
  ['info vm.renamed', vm({ name: 'legacy app (2009)' })],
  ['warning target.no-host', hosted({}, [{ available: false }])],
  ['warning target.no-uefi-host', hosted({ firmware: 'efi' }, [{ uefi: false }])],
  ['warning target.uefi-unknown', hosted({ firmware: 'efi' }, undefined)],
  ['warning target.secure-boot-unknown', hosted({ firmware: 'efi', secureBoot: true }, [{ uefi: true }])],
  ['warning vm.name-collision', factsFixture({ targetVms: [{ name: 'WEB-1', macAddresses: [] }] })],
];

/** What only the inventory tells; where there is a target, its hosts answer it. */
const beforeTarget = ['warning vm.secure-boot', 'info vm.efi'];

/** What comes with a trouble by its nature. */
const alsoTold: Readonly<Record<string, readonly string[]>> = {
  'critical vm.passthrough': ['warning vm.host-device'],
  'warning vm.change-tracking-blocked': ['warning vm.snapshots'],
};

test('an ordinary VM on an ordinary cloud has no concern', () => {
  expect(preflight(factsFixture())).toEqual([]);
});

describe('each rule speaks of its trouble, and no other does', () => {
  test.each(cases)('%s', (expected, facts) => {
    expect(told(facts)).toEqual([expected, ...(alsoTold[expected] ?? [])]);
  });

  test('no rule is left out here', () => {
    const rules = [...vmRules, ...diskRules, ...nicRules, ...sourceRules, ...targetRules, ...hostRules];
    const provoked = new Set([...cases.map(([expected]) => expected), ...beforeTarget]);
    expect(
      rules.map(({ id, severity }) => `${severity} ${id}`).filter((name) => !provoked.has(name)),
    ).toEqual([]);
  });

  test.each(cases)('%s says of whom it speaks, and what to do', (_, facts) => {
    for (const { subject, summary, remedy } of preflight(facts)) {
      expect(subject).not.toBe('');
      expect(summary).toMatch(/\.$/);
      expect(remedy).toMatch(/\.$/);
    }
  });
});

test('the inventory alone tells of the firmware', () => {
  const rules = (changes: Partial<VirtualMachine>) =>
    inventoryConcerns(vmFixture(1, changes)).map(({ rule, severity }) => `${severity} ${rule}`);
  expect([...rules({ firmware: 'efi', secureBoot: true }), ...rules({ firmware: 'efi' })]).toEqual(
    beforeTarget,
  );
});

test('the gravest come first', () => {
  const many = vmFixture(1, { firmware: 'efi', isTemplate: true, consolidationNeeded: true });
  expect(inventoryConcerns(many).map(({ severity }) => severity)).toEqual(['critical', 'warning', 'info']);
});

test('a disk that no snapshot holds is told of once, with its cause', () => {
  const facts = disk({ mode: 'independent_persistent' });
  expect(told({ ...facts, transports: new Map([[key, problem]]) })).toEqual(['critical disk.independent']);
});

test('room that is there already is not asked for again', () => {
  const facts = limited('primary-storage', 200);
  const disks = facts.workload.disks.map((one) => ({
    ...one,
    volumeBytes: 40 * gibibyte,
    volumeId: VolumeId.parse('volume-1'),
  }));
  expect(told({ ...facts, workload: { ...facts.workload, disks } })).toEqual([]);
});
