import { serialOf, type Vm, type Volume } from './model.ts';
import type { Site } from './site.ts';
import type { Strangers } from './strangers.ts';

/** What tests see of the cloud, past its API. */

export interface VolumeFacts {
  id: string;
  name: string;
  type: 'ROOT' | 'DATADISK';
  state: string;
  account: string;
  sizeBytes: number;
  vmId: string | undefined;
  tags: Readonly<Record<string, string>>;
  /** The first 20 hex digits of the id. */
  serial: string;
}

export interface VmFacts {
  id: string;
  /** The host name. */
  name: string;
  displayName: string;
  state: string;
  account: string;
  compute: Readonly<{ cpuCount: number; cpuSpeedMhz: number; memoryMib: number }>;
  boot: Readonly<{ type: 'Bios' | 'Uefi'; mode: 'legacy' | 'secure' }>;
  /** In the order of their devices. */
  nics: readonly { networkId: string; mac: string; ip: string | undefined; isDefault: boolean }[];
  /** In the order of their slots, which the guest sees; the root disk first. */
  volumeIds: readonly string[];
  details: Readonly<Record<string, string>>;
  osType: string | undefined;
  lease: Readonly<{ days: number; action: 'STOP' | 'DESTROY' }> | undefined;
  tags: Readonly<Record<string, string>>;
}

export interface SnapshotFacts {
  id: string;
  name: string;
  volumeId: string;
  state: string;
  tags: Readonly<Record<string, string>>;
}

export interface NetworkFacts {
  id: string;
  name: string;
  kind: 'Isolated' | 'L2' | 'Shared';
  state: string;
  account: string;
  egress: boolean;
  tags: Readonly<Record<string, string>>;
}

export function volumeFacts(volume: Volume): VolumeFacts {
  const { id, name, type, state, sizeBytes } = volume;
  return {
    ...{ id, name, type, state, sizeBytes },
    account: volume.account.name,
    vmId: volume.attachment?.vmId,
    tags: Object.fromEntries(volume.tags),
    serial: serialOf(id),
  };
}

export function vmFacts(site: Site, vm: Vm): VmFacts {
  return {
    id: vm.id,
    name: vm.name,
    displayName: vm.displayName,
    state: vm.state,
    account: vm.account.name,
    compute: vm.compute,
    boot: { type: vm.bootType, mode: vm.bootMode },
    nics: vm.nics
      .toSorted((a, b) => a.deviceId - b.deviceId)
      .map(({ networkId, mac, ip, isDefault }) => ({ networkId, mac, ip, isDefault })),
    volumeIds: site.volumesOf(vm.id).map((volume) => volume.id),
    details: Object.fromEntries(vm.details),
    osType: site.osTypes.get(vm.osTypeId)?.name,
    lease: vm.lease && { days: vm.lease.days, action: vm.lease.action },
    tags: Object.fromEntries(vm.tags),
  };
}

export function snapshotFacts(site: Site): SnapshotFacts[] {
  return [...site.snapshots.values()].map(({ id, name, volumeId, state, tags }) => ({
    ...{ id, name, volumeId, state },
    tags: Object.fromEntries(tags),
  }));
}

export function networkFacts(site: Site): NetworkFacts[] {
  return [...site.networks.values()].map(({ id, name, state, offering, account, tags }) => ({
    ...{ id, name, state },
    kind: offering.kind,
    account: account.name,
    egress: offering.egress,
    tags: Object.fromEntries(tags),
  }));
}

/** The VM of an id or of one of its names. @throws Error for none, or several */
export function findVm(site: Site, nameOrId: string): Vm {
  const found = [...site.vms.values()].filter(
    (vm) => vm.id === nameOrId || vm.name === nameOrId || vm.displayName === nameOrId,
  );
  const living = found.filter((vm) => vm.state !== 'Destroyed');
  const [vm, ...others] = living.length > 0 ? living : found;
  if (vm === undefined || others.length > 0) {
    throw new Error(`${found.length} VMs of the cloud are ${nameOrId}`);
  }
  return vm;
}

/** One line for each thing that exists and is neither a stranger's nor part of the start. */
export function findLeftovers(site: Site, strangers: Strangers): string[] {
  const ours = <T extends { id: string }>(things: ReadonlyMap<string, T>): T[] =>
    [...things.values()].filter((thing) => !strangers.has(thing.id));
  return [
    ...ours(site.vms)
      // What is destroyed and holds nothing is removed by CloudStack itself after a while.
      .filter((vm) => vm.state !== 'Destroyed' || site.volumesOf(vm.id).length > 0)
      .map((vm) => `VM ${vm.name}`),
    ...ours(site.volumes).map((volume) => `volume ${volume.name}`),
    // By id, so that who expects the volume does not overlook its attachment.
    ...ours(site.volumes)
      .filter(({ attachment }) => attachment !== undefined && strangers.has(attachment.vmId))
      .map(({ id, attachment }) => `attachment of ${id} to ${site.vms.get(attachment!.vmId)?.name}`),
    ...[...site.looseFiles.keys()].map((file) => `file ${file} on the pool`),
    ...[...site.snapshots.values()].map((snapshot) => `snapshot ${snapshot.name}`),
    ...[...site.vmSnapshots.values()].map((snapshot) => `VM snapshot ${snapshot.displayName}`),
    ...ours(site.networks).map((network) => `network ${network.name}`),
  ];
}
