import type {
  AddWorkloads,
  CloudId,
  DeviceKey,
  TargetEndpoint,
  VirtualMachine,
  VirtualNic,
} from '../../../appliance-agent/src/contract/index.ts';
import { offeringShortfall } from '../../../appliance-agent/src/plan/offering.ts';
import { suggestTargetName, targetNameProblem } from '../../../appliance-agent/src/plan/targetName.ts';
import { type Offered, suggestDiskOffering, suggestNetwork, suggestServiceOffering } from './suggestions.ts';

/** What holds for every VM of the sheet, until a VM has a choice of its own; undefined: as suggested. */
export interface CommonChoices {
  readonly serviceOfferingId: CloudId | undefined;
  readonly diskOfferingId: CloudId | undefined;
  /** By the name of the source network. */
  readonly networks: Readonly<Record<string, CloudId>>;
  readonly keepMac: boolean;
}

export const asSuggested: CommonChoices = {
  serviceOfferingId: undefined,
  diskOfferingId: undefined,
  networks: {},
  keepMac: true,
};

/** What was chosen for one VM; what is not named follows the common choices. */
export interface OwnChoices {
  readonly targetName?: string;
  readonly serviceOfferingId?: CloudId;
  readonly nics?: Readonly<Record<number, { readonly networkId?: CloudId; readonly keepMac?: boolean }>>;
  readonly disks?: Readonly<Record<number, CloudId>>;
}

export interface VmMapping {
  readonly vm: VirtualMachine;
  readonly targetName: string;
  readonly serviceOfferingId: CloudId | undefined;
  readonly nics: readonly {
    readonly key: DeviceKey;
    readonly networkId: CloudId | undefined;
    readonly keepMac: boolean;
  }[];
  readonly disks: readonly { readonly key: DeviceKey; readonly diskOfferingId: CloudId | undefined }[];
  /** What is missing or does not fit; the VM cannot be added before it is put right. */
  readonly problems: readonly string[];
  /** What deserves a look, and hinders nothing. */
  readonly remarks: readonly string[];
}

/** Under which name the sheet asks for a NIC's network. */
export function sourceNetworkOf(nic: VirtualNic): string {
  return nic.networkName ?? 'No network';
}

/** What becomes of a VM: its own choices, else the common ones, else what is suggested. */
export function mappingOf(
  vm: VirtualMachine,
  common: CommonChoices,
  own: OwnChoices,
  offered: Offered,
  config: TargetEndpoint['config'],
): VmMapping {
  const problems: string[] = [];
  const remarks: string[] = [];
  const targetName = own.targetName ?? suggestTargetName(vm.name);
  const nameProblem = targetNameProblem(targetName);
  if (nameProblem) problems.push(`Target name: ${nameProblem.toLowerCase()}`);

  const serviceOfferingId =
    own.serviceOfferingId ??
    common.serviceOfferingId ??
    suggestServiceOffering(vm, offered.serviceOfferings, config.zoneId)?.id;
  const offering = offered.serviceOfferings.find(({ id }) => id === serviceOfferingId);
  if (!offering) problems.push('No offering has enough CPU and memory');
  const shortfall = offering && offeringShortfall(offering, vm);
  if (shortfall) remarks.push(`${offering.name}: ${shortfall.toLowerCase()}`);

  const nics = vm.nics.map((nic) => {
    const chosen = own.nics?.[nic.key];
    const networkId =
      chosen?.networkId ??
      common.networks[sourceNetworkOf(nic)] ??
      suggestNetwork(nic.networkName, offered.networks, config)?.id;
    if (networkId === undefined) problems.push(`${nic.label}: choose a network`);
    return { key: nic.key, networkId, keepMac: chosen?.keepMac ?? common.keepMac };
  });

  const disks = vm.disks.map((disk) => {
    const diskOfferingId =
      own.disks?.[disk.key] ??
      common.diskOfferingId ??
      suggestDiskOffering(disk, offered.diskOfferings, config.zoneId, config.diskOfferingId)?.id;
    const diskOffering = offered.diskOfferings.find(({ id }) => id === diskOfferingId);
    if (!diskOffering) problems.push(`${disk.label}: no disk offering is large enough`);
    else if (!diskOffering.custom && (diskOffering.sizeBytes ?? 0) < disk.capacityBytes)
      problems.push(`${disk.label}: ${diskOffering.name} is too small`);
    return { key: disk.key, diskOfferingId };
  });
  return { vm, targetName, serviceOfferingId, nics, disks, problems, remarks };
}

/** Adds the problem that only shows in the whole: two VMs of one name. */
export function withNameClashes(mappings: readonly VmMapping[]): readonly VmMapping[] {
  const uses = new Map<string, number>();
  const key = ({ targetName }: VmMapping) => targetName.toLowerCase();
  for (const mapping of mappings) uses.set(key(mapping), (uses.get(key(mapping)) ?? 0) + 1);
  return mappings.map((mapping) =>
    (uses.get(key(mapping)) ?? 0) > 1
      ? {
          ...mapping,
          problems: [...mapping.problems, `Target name: another VM here is called ${mapping.targetName} too`],
        }
      : mapping,
  );
}

const mostPerRequest = 1000;

function settingsOf({ vm, targetName, serviceOfferingId, nics, disks }: VmMapping): AddWorkloads['settings'] {
  return {
    // The agent takes the VM's own name by itself; left out, VMs of equal choices travel in one request.
    ...(targetName !== vm.name && { targetName }),
    ...(serviceOfferingId !== undefined && { serviceOfferingId }),
    nics: nics.flatMap(({ key, networkId, keepMac }) =>
      networkId === undefined ? [] : [{ key, networkId, keepMac }],
    ),
    disks: disks.flatMap(({ key, diskOfferingId }) =>
      diskOfferingId === undefined ? [] : [{ key, diskOfferingId }],
    ),
    quiesce: 'auto',
    verify: 'delta',
    schedule: { kind: 'manual' },
    conversion: { kind: 'virt-v2v', hardware: 'virtio-blk', addresses: [] },
  };
}

/** The requests that add the VMs: those of equal settings together, as the API has one set of settings per request. */
export function addRequests(
  mappings: readonly VmMapping[],
  sourceId: string,
  targetId: string,
): readonly AddWorkloads[] {
  const groups = new Map<string, AddWorkloads>();
  const requests: AddWorkloads[] = [];
  for (const mapping of mappings) {
    const settings = settingsOf(mapping);
    const key = JSON.stringify(settings);
    const open = groups.get(key);
    if (open && open.vms.length < mostPerRequest) {
      open.vms.push(mapping.vm.instanceUuid);
      continue;
    }
    const request = { sourceId, targetId, vms: [mapping.vm.instanceUuid], settings };
    groups.set(key, request);
    requests.push(request);
  }
  return requests;
}
