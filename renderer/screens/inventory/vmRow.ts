import type {
  Concern,
  Inventory,
  Severity,
  VirtualMachine,
  Workload,
} from '../../../appliance-agent/src/contract/index.ts';
import { inventoryConcerns } from '../../../appliance-agent/src/plan/preflight.ts';

export type OsFamily = 'Linux' | 'Windows' | 'Other';

/** A VM with all that the table shows, sorts, searches and filters by, computed once. */
export interface VmRow {
  readonly id: string;
  readonly vm: VirtualMachine;
  /** Everything that a search looks into, in lower case. */
  readonly haystack: string;
  readonly os: OsFamily;
  /** Capacity of all disks, bytes. */
  readonly diskBytes: number;
  readonly networks: readonly string[];
  readonly datastores: readonly string[];
  readonly host: string | undefined;
  /** MoRefs of the places that it lies in, from the folder and the host up to the datacenter. */
  readonly places: ReadonlySet<string>;
  readonly hints: readonly Concern[];
  readonly worst: Severity | undefined;
  readonly workload: Workload | undefined;
}

/** By vSphere's guest ids (`rhel8_64Guest`, `windows2019srv_64Guest`) and full names. */
export function osFamily(guestId: string, fullName: string): OsFamily {
  const text = `${guestId} ${fullName}`.toLowerCase();
  if (text.includes('windows') || /\bwin(2000|xp|vista|net)/.test(text)) return 'Windows';
  const linux =
    /linux|ubuntu|debian|centos|rhel|red ?hat|sles|suse|fedora|oracle|photon|coreos|rocky|alma|amazon|asianux|mandr|turbo/;
  return linux.test(text) ? 'Linux' : 'Other';
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

/** The rows of an inventory; `workloads` tells which of the VMs are managed already. */
export function vmRows(inventory: Inventory, workloads: readonly Workload[]): VmRow[] {
  const objects = new Map(inventory.objects.map((object) => [object.moRef, object]));
  const managed = new Map(workloads.map((workload) => [workload.instanceUuid, workload]));
  const nameOf = (ref: VirtualMachine['networks'][number]) => objects.get(ref)?.name ?? ref;
  return inventory.vms.map((vm) => {
    const networks = [
      ...new Set(vm.nics.map((nic) => nic.networkName ?? (nic.network ? nameOf(nic.network) : 'No network'))),
    ];
    const datastores = vm.datastores.map(nameOf);
    const host = vm.host && nameOf(vm.host);
    const places = new Set<string>();
    for (const start of [vm.folder, vm.host, vm.datacenter])
      for (let at = start; at !== undefined && !places.has(at); at = objects.get(at)?.parent) places.add(at);
    const hints = inventoryConcerns(vm);
    return {
      id: vm.moRef,
      vm,
      haystack: haystackOf(vm, [...networks, ...datastores, ...(host ? [host] : [])]),
      os: osFamily(vm.guestId, vm.guestFullName),
      diskBytes: vm.disks.reduce((sum, disk) => sum + disk.capacityBytes, 0),
      networks,
      datastores,
      host,
      places,
      hints,
      worst: hints[0]?.severity,
      workload: managed.get(vm.instanceUuid),
    };
  });
}
