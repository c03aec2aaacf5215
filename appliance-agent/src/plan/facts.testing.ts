import {
  CloudDiscovery,
  CloudHost,
  Conversion,
  SourceEndpoint,
  TargetEndpoint,
  Workload,
} from '../contract/index.ts';
import type { Facts } from './facts.ts';
import type { FailoverFacts } from './failoverRules.ts';
import { vmFixture } from './vmFixture.testing.ts';

const id = (digit: number) => `00000000-0000-4000-8000-00000000000${digit}`;
const at = '2026-01-01T00:00:00.000Z';
const lease = { kind: 'none' };

/** An ordinary VM that can move, to an ordinary cloud; with what a case is about changed. */
export function factsFixture(changes: Partial<Facts> = {}): Facts {
  const vm = changes.vm ?? vmFixture(1);
  return {
    workload: Workload.parse({
      id: id(1),
      name: vm.name,
      sourceId: id(2),
      targetId: id(3),
      instanceUuid: vm.instanceUuid,
      moRef: vm.moRef,
      state: 'managed',
      disks: vm.disks.map(({ key, label, capacityBytes }) => ({ id: id(4), key, label, capacityBytes })),
      settings: {},
      createdAt: at,
    }),
    vm,
    source: SourceEndpoint.parse({
      id: id(2),
      name: 'vcenter.example',
      url: 'https://vcenter.example/sdk',
      fingerprint: '0'.repeat(64),
      lease,
      createdAt: at,
    }),
    target: TargetEndpoint.parse({
      id: id(3),
      name: 'cloud.example',
      url: 'https://cloud.example/client/api',
      config: { zoneId: 'zone', serviceOfferingId: 'medium', diskOfferingId: 'custom', networkId: 'lan' },
      lease,
      createdAt: at,
    }),
    cloud: cloudFixture(),
    targetVms: [{ name: 'appliance', macAddresses: ['02:00:00:00:00:01'] }],
    others: [],
    configProblem: undefined,
    transports: new Map(vm.disks.map(({ key }) => [key, { kind: 'folder', reason: 'It is flat.' }])),
    missingPrivileges: [],
    clockSkew: { source: 0.4, target: -0.2 },
    host: { name: 'esx-1', version: '8.0.2', build: 22_380_479 },
    datastores: [{ name: 'nvme-1', capacityBytes: 2 ** 42, freeBytes: 2 ** 41 }],
    ...changes,
  };
}

/** When the facts of a failover are looked at. */
export const factsNow = new Date('2026-01-02T00:00:00.000Z');

/** A replicated workload whose source runs: nothing speaks against a failover without a conversion. */
export function failoverFactsFixture(replica: Partial<Workload> = {}): Omit<FailoverFacts, 'kind'> {
  const { workload, vm, target, cloud, targetVms, others, configProblem } = factsFixture();
  return {
    workload: Workload.parse({
      ...workload,
      state: 'protected',
      replicatedUntil: '2026-01-01T23:00:00.000Z',
      disks: workload.disks.map((disk) => ({ ...disk, volumeId: 'volume', volumeBytes: 40 * 2 ** 30 })),
      ...replica,
    }),
    vm,
    target,
    cloud,
    targetVms,
    others,
    configProblem,
    point: 'latest',
    now: factsNow,
    tornSince: undefined,
    replicating: false,
    sourceReachable: true,
    conversion: Conversion.parse({ kind: 'none' }),
    converterProblem: undefined,
    places: [],
    confirmNetwork: undefined,
    standing: [],
    leaseWanted: false,
  };
}

/** Hosts of the zone of use that are up, with what a case is about changed. */
export function hostsFixture(changes: readonly Partial<CloudHost>[]): CloudHost[] {
  return changes.map((change, index) =>
    CloudHost.parse({
      name: `kvm-${index + 1}`,
      zoneId: 'zone',
      hypervisor: 'KVM',
      available: true,
      tags: [],
      ...change,
    }),
  );
}

/** A cloud with one zone of use and one that is not. */
export function cloudFixture(changes: Partial<CloudDiscovery> = {}): CloudDiscovery {
  return CloudDiscovery.parse({
    account: 'migration',
    domain: 'ROOT',
    zones: [
      { id: 'zone', name: 'Zone 1', networkType: 'Advanced' },
      { id: 'far', name: 'Far away', networkType: 'Advanced' },
    ],
    serviceOfferings: [
      { id: 'medium', name: 'Medium', cpuCount: 2, memoryBytes: 4 * 2 ** 30, custom: false },
      { id: 'small', name: 'Small', cpuCount: 1, memoryBytes: 2 ** 30, custom: false },
      { id: 'elsewhere', name: 'Elsewhere', custom: true, zoneIds: ['far'] },
    ],
    diskOfferings: [
      { id: 'custom', name: 'Custom', custom: true },
      { id: 'fixed', name: 'Fixed', custom: false, sizeBytes: 2 ** 30 },
    ],
    networks: [
      { id: 'lan', name: 'LAN', kind: 'Isolated', zoneId: 'zone' },
      { id: 'dmz', name: 'DMZ', kind: 'Isolated', zoneId: 'zone' },
      { id: 'far-lan', name: 'Far LAN', kind: 'Isolated', zoneId: 'far' },
    ],
    templates: [],
    osTypes: [],
    limits: [{ resource: 'volume', max: -1, used: 90 }],
    capabilities: {
      version: '4.21.0.0',
      deployFromVolume: true,
      deployFromSnapshot: true,
      importVolume: true,
      importVm: true,
      vmLease: true,
    },
    applianceVm: { id: 'appliance', name: 'appliance', zoneId: 'zone' },
    attachSlots: { used: 0, max: 13 },
    ...changes,
  });
}
