import {
  type CloudDiscovery,
  type CloudId,
  type Conversion,
  DeviceKey,
  type FailoverKind,
  keepsMac,
  OsseaError,
  type ServiceOffering,
  type TargetEndpoint,
  type VirtualDisk,
  type VirtualMachine,
  type VirtualNic,
  type Workload,
} from '../../contract/index.ts';
import type { ConversionResult } from '../../guest/conversion.ts';
import { suggestOsType, type TargetHardware, targetHardware } from '../../guest/targetHardware.ts';
import type { TargetVm } from '../../plan/facts.ts';
import { suggestOffering } from '../../plan/offering.ts';
import { targetNameOf } from '../../plan/targetRules.ts';
import { macOf } from './ownerIds.ts';

/** A volume that becomes a disk of the VM. */
export interface PlannedDisk {
  readonly key: DeviceKey;
  readonly label: string;
  /** The volume's record: of the replica, or of its clone. */
  readonly recordId: string;
}

export interface PlannedNic {
  /** Undefined for the one that CloudStack wants where the source has none. */
  readonly sourceKey: DeviceKey | undefined;
  readonly networkId: CloudId;
  readonly networkName: string | undefined;
  /** Always chosen by us, so that the guest can be prepared for it before there is a VM. */
  readonly mac: string;
  /** Undefined: the next free one of the network. */
  readonly address: string | undefined;
}

/** All that is chosen for a VM on the target; small and without secrets, so that a step may remember it. */
export interface TargetVmPlan {
  readonly kind: FailoverKind;
  /** What people read. */
  readonly displayName: string;
  /** RFC 1123, at most 63 characters. */
  readonly hostName: string;
  readonly zoneId: CloudId;
  readonly serviceOfferingId: CloudId;
  /** The numbers of a custom offering. */
  readonly compute:
    | { readonly cpuCount: number; readonly memoryMib: number; readonly cpuSpeedMhz: number | undefined }
    | undefined;
  readonly hardware: TargetHardware;
  /** What CloudStack takes the guest for; undefined: what it likes. */
  readonly osTypeId: CloudId | undefined;
  /** In the source's order; the first one becomes the default NIC. */
  readonly nics: readonly PlannedNic[];
  readonly bootDisk: PlannedDisk;
  /** In the source's order. */
  readonly dataDisks: readonly PlannedDisk[];
  readonly tags: Readonly<Record<string, string>>;
  /** After so many days CloudStack removes the VM by itself; undefined where it cannot, or shall not. */
  readonly leaseDays: number | undefined;
}

/** All that a plan rests on. */
export interface TargetVmFacts {
  readonly kind: FailoverKind;
  readonly failoverId: string;
  readonly workload: Workload;
  /** The source VM as it was when it was last seen. */
  readonly vm: VirtualMachine;
  readonly target: TargetEndpoint['config'];
  readonly cloud: CloudDiscovery;
  /** Of the zone, as far as the account sees them; without those of this failover. */
  readonly targetVms: readonly TargetVm[];
  readonly conversion: Conversion;
  /** Per source disk key. */
  readonly disks: readonly PlannedDisk[];
  /** Of a test: per adapter, as `testNetworksOf` chose them or as they were made. */
  readonly testNetworks?: ReadonlyMap<DeviceKey, { readonly id: CloudId; readonly name: string | undefined }>;
  /** Default: the target's name, with `-test` behind it for a test. */
  readonly name?: string | undefined;
  readonly leaseMinutes?: number | undefined;
}

const longestName = 63;
/** CloudStack's longest value of a tag. */
const longestTag = 255;
/** For custom offerings that leave the speed open. */
const defaultSpeedMhz = 1000;
const minutesPerDay = 24 * 60;

/**
 * Chooses everything for a VM of the target. The same facts give the same plan.
 * @throws OsseaError `config.incomplete`, `failover.network`, `failover.mac-in-use`, `failover.not-ready`
 */
export function planTargetVm(facts: TargetVmFacts): TargetVmPlan {
  const { kind, failoverId, vm, target, cloud, conversion } = facts;
  const zoneId = target.zoneId;
  if (zoneId === undefined) throw incomplete('zone', 'target.zoneId');
  const offering = chooseOffering(facts);
  const displayName = facts.name ?? withSuffix(targetNameOf(facts), kind === 'test' ? '-test' : '');
  const [bootDisk, ...others] = bootFirst(facts.disks, vm, undefined);
  if (!bootDisk) {
    throw new OsseaError('failover.not-ready', `${vm.name} has no disk that was replicated.`, {
      remedy: 'Replicate it first.',
    });
  }
  const leased = kind === 'test' && facts.leaseMinutes !== undefined && cloud.capabilities.vmLease;
  return {
    kind,
    displayName,
    // A test's VM that CloudStack has not expunged yet would keep its host name from the next one.
    hostName: kind === 'test' ? withSuffix(displayName, `-${failoverId.slice(0, 4)}`) : displayName,
    zoneId,
    serviceOfferingId: offering.id,
    compute: offering.custom
      ? {
          cpuCount: vm.cpuCount,
          memoryMib: Math.ceil(vm.memoryBytes / 2 ** 20),
          cpuSpeedMhz: offering.cpuSpeedMhz === undefined ? defaultSpeedMhz : undefined,
        }
      : undefined,
    hardware: targetHardware(vm, conversion),
    osTypeId: suggestOsType(vm, cloud.osTypes)?.id,
    nics: planNics(facts),
    bootDisk,
    dataDisks: others,
    tags: tagsOf(vm),
    leaseDays: leased ? Math.ceil((facts.leaseMinutes ?? 0) / minutesPerDay) + 1 : undefined,
  };
}

/** The plan with what the preparation of the guest found out: which disk it boots from, by which firmware, and what it is. */
export function afterConversion(
  plan: TargetVmPlan,
  facts: Pick<TargetVmFacts, 'vm' | 'conversion' | 'cloud'>,
  found: Pick<ConversionResult, 'bootDiskKey' | 'firmware' | 'osProduct'>,
): TargetVmPlan {
  const { conversion, cloud } = facts;
  const vm = { ...facts.vm, firmware: found.firmware ?? facts.vm.firmware };
  const [bootDisk = plan.bootDisk, ...dataDisks] = bootFirst(
    [plan.bootDisk, ...plan.dataDisks].sort((a, b) => a.key - b.key),
    vm,
    found.bootDiskKey,
  );
  return {
    ...plan,
    bootDisk,
    dataDisks,
    hardware: targetHardware(vm, conversion),
    osTypeId: suggestOsType({ ...vm, osProduct: found.osProduct }, cloud.osTypes)?.id,
  };
}

/** What was found about an adapter's network for a test. */
export type TestNetworkChoice =
  | { readonly kind: 'given' | 'settings'; readonly networkId: CloudId }
  | { readonly kind: 'to-be-made' }
  | { readonly kind: 'missing' };

/**
 * The network of each adapter in a test: the one of the request for the first, else the adapter's own test network, else one that is made if that was
 * asked for. A network serves one adapter of a VM, as CloudStack has it.
 */
export function testNetworksOf(
  vm: Pick<VirtualMachine, 'nics'>,
  workload: Pick<Workload, 'settings'>,
  request: { readonly networkId?: CloudId | undefined; readonly createNetwork: boolean },
): ReadonlyMap<DeviceKey, TestNetworkChoice> {
  const used = new Set<CloudId>();
  const choices = new Map<DeviceKey, TestNetworkChoice>();
  const wanted = vm.nics.length > 0 ? vm.nics : [noNic];
  for (const [index, { key }] of wanted.entries()) {
    const own = workload.settings.nics.find((nic) => nic.key === key)?.testNetworkId;
    const given = index === 0 ? request.networkId : undefined;
    const networkId = given ?? (request.createNetwork && own === undefined ? undefined : own);
    if (networkId !== undefined && !used.has(networkId)) {
      used.add(networkId);
      choices.set(key, { kind: given === undefined ? 'settings' : 'given', networkId });
    } else choices.set(key, { kind: request.createNetwork ? 'to-be-made' : 'missing' });
  }
  return choices;
}

/** Stands for the adapter that CloudStack wants where the source has none. */
export const noNic: Pick<VirtualNic, 'key' | 'label'> = {
  key: DeviceKey.parse(0),
  label: 'Network adapter',
};

function planNics(facts: TargetVmFacts): PlannedNic[] {
  const { kind, failoverId, vm, workload, target, cloud, targetVms } = facts;
  const taken = new Set(targetVms.flatMap(({ macAddresses }) => macAddresses));
  const nics = vm.nics.length > 0 ? vm.nics : [{ ...noNic, mac: '' }];
  return nics.flatMap((nic): PlannedNic[] => {
    const settings = workload.settings.nics.find(({ key }) => key === nic.key);
    const test = facts.testNetworks?.get(nic.key);
    // A test leaves an adapter out that no network was found for; its readiness says so.
    if (kind === 'test' && !test) return [];
    const networkId = kind === 'test' ? test?.id : (settings?.networkId ?? target.networkId);
    if (networkId === undefined) throw incomplete('network', 'target.networkId');
    const network = cloud.networks.find(({ id }) => id === networkId);
    const isKept = kind === 'live' && nic.key !== noNic.key && keepsMac(workload.settings, nic.key);
    const keptMac = isKept ? nic.mac.toLowerCase() : undefined;
    if (keptMac !== undefined) assertFree(nic, keptMac, targetVms);
    const address = settings?.address;
    return [
      {
        sourceKey: nic.key === noNic.key ? undefined : nic.key,
        networkId,
        networkName: network?.name ?? test?.name,
        mac: keptMac ?? macOf(failoverId, nic.key, taken),
        address:
          address !== undefined && (kind === 'live' || isWithin(address, network?.cidr))
            ? address
            : undefined,
      },
    ];
  });
}

/** @throws OsseaError `failover.mac-in-use` */
function assertFree({ label }: Pick<VirtualNic, 'label'>, mac: string, targetVms: readonly TargetVm[]): void {
  const holder = targetVms.find(({ macAddresses }) => macAddresses.includes(mac));
  if (!holder) return;
  throw new OsseaError(
    'failover.mac-in-use',
    `${label} is to keep its address ${mac}, but ${holder.name} of the target has it.`,
    {
      field: 'settings.nics.keepMac',
      value: mac,
      remedy: `Remove that adapter of ${holder.name}, or let the target give a new address to ${label}.`,
    },
  );
}

/** The disk with the boot loader first, then the others as they came: as it was found, else as the VM was told, else by the places. */
export function bootFirst<D extends Pick<PlannedDisk, 'key'>>(
  disks: readonly D[],
  vm: Pick<VirtualMachine, 'disks' | 'bootDiskKey'>,
  bootKey: DeviceKey | undefined,
): D[] {
  const boot =
    disks.find(({ key }) => key === bootKey) ??
    disks.find(({ key }) => key === vm.bootDiskKey) ??
    [...disks].sort((a, b) => comparePlaces(placeOf(a), placeOf(b)))[0];
  return boot ? [boot, ...disks.filter((disk) => disk !== boot)] : [];

  function placeOf({ key }: D): VirtualDisk | undefined {
    return vm.disks.find((disk) => disk.key === key);
  }
}

/** vSphere boots from the lowest place unless it is told otherwise. */
function comparePlaces(a: VirtualDisk | undefined, b: VirtualDisk | undefined): number {
  if (!a || !b) return Number(b !== undefined) - Number(a !== undefined);
  return a.controllerBus - b.controllerBus || a.unitNumber - b.unitNumber || a.key - b.key;
}

function chooseOffering({ workload, vm, target, cloud }: TargetVmFacts): ServiceOffering {
  const id = workload.settings.serviceOfferingId ?? target.serviceOfferingId;
  const chosen =
    id === undefined
      ? suggestOffering(cloud.serviceOfferings, vm, target.zoneId)
      : cloud.serviceOfferings.find((offering) => offering.id === id);
  if (chosen) return chosen;
  throw new OsseaError(
    'config.incomplete',
    id === undefined
      ? `No service offering of the target is large enough for ${vm.name}.`
      : `The service offering ${id} of ${vm.name} does not exist on the target.`,
    {
      field: 'target.serviceOfferingId',
      value: id,
      remedy: 'Choose a service offering for the workload.',
    },
  );
}

/** What people know the source by goes with the VM. */
function tagsOf(vm: VirtualMachine): Record<string, string> {
  const notes = vm.annotation.trim();
  return Object.fromEntries([
    ['source-vm', vm.name.slice(0, longestTag)],
    ...(notes ? [['source-notes', notes.slice(0, longestTag)]] : []),
    ...vm.tags.map((tag, index) => [`source-tag-${index + 1}`, tag.slice(0, longestTag)]),
  ]);
}

/** A name with something behind it, cut to what CloudStack takes. */
export function withSuffix(name: string, suffix: string): string {
  return `${name.slice(0, longestName - suffix.length).replace(/-+$/, '')}${suffix}`;
}

/** Whether an IPv4 address lies in a network such as `10.1.1.0/24`. */
function isWithin(address: string, cidr: string | undefined): boolean {
  const [base, prefix] = cidr?.split('/') ?? [];
  const [a, b] = [numberOf(address), numberOf(base ?? '')];
  if (a === undefined || b === undefined || prefix === undefined) return false;
  const size = 2 ** (32 - Number(prefix));
  return Math.floor(a / size) === Math.floor(b / size);
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function incomplete(what: string, field: string): OsseaError {
  return new OsseaError('config.incomplete', `No ${what} is chosen for the VM.`, {
    field,
    remedy: `Choose a ${what} for the target.`,
  });
}
