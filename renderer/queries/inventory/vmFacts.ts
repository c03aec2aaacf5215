import type {
  Concern,
  InventoryObject,
  MoRef,
  Severity,
  VirtualMachine,
} from '../../../appliance-agent/src/contract/index.ts';
import { inventoryConcerns } from '../../../appliance-agent/src/plan/preflight.ts';

export type OsFamily = 'Linux' | 'Windows' | 'Other';

/** Where a VM lies; one object for all VMs of a folder on a host. */
export interface VmPlace {
  readonly folder: MoRef | undefined;
  readonly host: MoRef | undefined;
  readonly hostName: string | undefined;
  /** MoRefs from the folder and the host up to the datacenter. */
  readonly above: ReadonlySet<string>;
}

/** What a guest says that it is; one object for all VMs of a kind. */
export interface VmGuest {
  readonly fullName: string;
  readonly family: OsFamily;
}

/**
 * What the table shows, sorts, searches and filters by, computed once for each VM of thousands: equal parts are one object, and
 * devices are elsewhere (`PackedVms`).
 */
export interface VmFacts {
  /** Its MoRef. */
  readonly id: string;
  /** Where its whole description is packed. */
  readonly position: number;
  readonly name: string;
  readonly instanceUuid: string;
  readonly powerState: VirtualMachine['powerState'];
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly diskCount: number;
  /** Capacity of all disks, bytes. */
  readonly diskBytes: number;
  readonly guest: VmGuest;
  readonly guestHostName: string | undefined;
  /** Whatever the guest reports, with commas. */
  readonly addresses: string;
  readonly firmware: string;
  readonly hardwareVersion: number;
  readonly annotation: string;
  /** Inventory path, such as `/DC0/vm/prod/web-1`. */
  readonly path: string;
  readonly place: VmPlace;
  readonly networks: readonly string[];
  readonly datastores: readonly string[];
  readonly tags: readonly string[];
  /** What the inventory alone tells against moving it, the gravest first. */
  readonly hints: readonly Concern[];
  readonly worst: Severity | undefined;
  /** Everything that a search looks into, in lower case. */
  readonly haystack: string;
}

/** By vSphere's guest ids (`rhel8_64Guest`, `windows2019srv_64Guest`) and full names. */
export function osFamily(guestId: string, fullName: string): OsFamily {
  const text = `${guestId} ${fullName}`.toLowerCase();
  if (text.includes('windows') || /\bwin(2000|xp|vista|net)/.test(text)) return 'Windows';
  const linux =
    /linux|ubuntu|debian|centos|rhel|red ?hat|sles|suse|fedora|oracle|photon|coreos|rocky|alma|amazon|asianux|mandr|turbo/;
  return linux.test(text) ? 'Linux' : 'Other';
}

/** Answers the first object that was made under a key. */
function once<T>(): (key: string, make: () => T) => T {
  const made = new Map<string, T>();
  return (key, make) => {
    let value = made.get(key);
    if (value === undefined) {
      value = make();
      made.set(key, value);
    }
    return value;
  };
}

/** Makes the facts of VM after VM of one inventory. `position` rises with each. */
export function factsMaker(objects: readonly InventoryObject[]): (vm: VirtualMachine) => VmFacts {
  const known = new Map(objects.map((object) => [object.moRef, object]));
  const nameOf = (ref: MoRef) => known.get(ref)?.name ?? ref;
  const guests = once<VmGuest>();
  const places = once<VmPlace>();
  const lists = once<readonly string[]>();
  const concerns = once<readonly Concern[]>();
  const same = (list: readonly string[]) => lists(list.join('\n'), () => list);

  const placeOf = ({ folder, host, datacenter }: VirtualMachine): VmPlace =>
    places(`${folder} ${host} ${datacenter}`, () => {
      const above = new Set<string>();
      for (const start of [folder, host, datacenter])
        for (let at = start; at !== undefined && !above.has(at); at = known.get(at)?.parent) above.add(at);
      return { folder, host, hostName: host && nameOf(host), above };
    });

  let position = 0;
  return (vm) => {
    const networks = same([
      ...new Set(vm.nics.map((nic) => nic.networkName ?? (nic.network ? nameOf(nic.network) : 'No network'))),
    ]);
    const datastores = same(vm.datastores.map(nameOf));
    const place = placeOf(vm);
    const found = inventoryConcerns(vm);
    const hints = concerns(JSON.stringify(found), () => found);
    return {
      id: vm.moRef,
      position: position++,
      name: vm.name,
      instanceUuid: vm.instanceUuid,
      powerState: vm.powerState,
      cpuCount: vm.cpuCount,
      memoryBytes: vm.memoryBytes,
      diskCount: vm.disks.length,
      diskBytes: vm.disks.reduce((sum, disk) => sum + disk.capacityBytes, 0),
      guest: guests(`${vm.guestId} ${vm.guestFullName}`, () => ({
        fullName: vm.guestFullName,
        family: osFamily(vm.guestId, vm.guestFullName),
      })),
      guestHostName: vm.guestHostName,
      addresses: vm.nics.flatMap(({ ipAddresses }) => ipAddresses).join(', '),
      firmware: vm.firmware.toUpperCase(),
      hardwareVersion: vm.hardwareVersion,
      annotation: vm.annotation,
      path: vm.path,
      place,
      networks,
      datastores,
      tags: same(vm.tags),
      hints,
      worst: hints[0]?.severity,
      haystack: haystackOf(vm, [...networks, ...datastores, place.hostName ?? '']),
    };
  };
}

function haystackOf(vm: VirtualMachine, names: readonly string[]): string {
  return [
    vm.name,
    vm.path,
    vm.guestFullName,
    vm.guestHostName,
    vm.annotation,
    vm.instanceUuid,
    vm.moRef,
    ...vm.tags,
    ...vm.nics.flatMap(({ mac, ipAddresses }) => [mac, ...ipAddresses]),
    ...names,
  ]
    .join('\n')
    .toLowerCase();
}
