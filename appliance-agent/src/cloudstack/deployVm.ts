import { CloudId, type VolumeId } from '../contract/index.ts';
import type { CloudVm } from './answers.ts';
import type { CloudStackClient, Parameters } from './client.ts';
import { destroyVm, findOwnVm, findVm, passingVmStates, updateVm } from './machines.ts';
import { tokenOf } from './ownership.ts';
import { lookWhenSettled } from './pendingWork.ts';
import { type EffectOptions, lookAgain, settle } from './settle.ts';
import { ensureTags } from './tags.ts';

/** A NIC of a VM that is to be made. */
export interface NewNic {
  readonly networkId: CloudId;
  /** Undefined: the next free one, or none on an L2 network. */
  readonly ip?: string | undefined;
  /** With colons. Undefined: a new one. */
  readonly mac?: string | undefined;
}

/** What a VM's root disk is made of. */
export type RootDisk =
  /** A detached volume that becomes the root disk, from CloudStack 4.21. */
  | { readonly kind: 'volume'; readonly volumeId: VolumeId }
  /** `sizeGib` must be at least the template's. */
  | { readonly kind: 'template'; readonly templateId: CloudId; readonly sizeGib?: number | undefined };

/** A VM that is to be made. It is made stopped; start it when all its volumes are attached. */
export interface DeployVm {
  /** A UUID that the caller has written down: with it the VM is found again. */
  readonly ownerId: string;
  /** The host name: RFC 1123, at most 63 characters, unique in its network. */
  readonly hostName: string;
  /** What people read. */
  readonly displayName: string;
  readonly zoneId: CloudId;
  readonly serviceOfferingId: CloudId;
  /** The numbers of a custom offering. */
  readonly compute?:
    | {
        readonly cpuCount: number;
        readonly memoryMib: number;
        readonly cpuSpeedMhz?: number | undefined;
      }
    | undefined;
  readonly root: RootDisk;
  /** In the source's order; the first one becomes the default NIC. */
  readonly nics: readonly NewNic[];
  readonly firmware: 'bios' | 'uefi' | 'uefi-secure';
  /** Such as `virtio`, `scsi`, `ide`, `sata`. Ordinary accounts may not change it afterwards. */
  readonly rootDiskController?: string | undefined;
  readonly dataDiskController?: string | undefined;
  /** Such as `virtio`, `e1000`. */
  readonly nicAdapter?: string | undefined;
  /** Further settings by name. */
  readonly details?: Readonly<Record<string, string>> | undefined;
  readonly osTypeId?: CloudId | undefined;
  /** Tags besides ours. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Where CloudStack offers it: after so many days the VM is stopped or destroyed by CloudStack itself. */
  readonly lease?: { readonly days: number; readonly action: 'STOP' | 'DESTROY' } | undefined;
}

/** The displayed name until the VM is tagged, so that it can be found should the answer be lost. */
export function provisionalName({ displayName, ownerId }: Pick<DeployVm, 'displayName' | 'ownerId'>): string {
  return `${displayName} (ossea-${tokenOf(ownerId)})`;
}

/** The settings of a VM by their names in CloudStack. */
export function detailsOf(vm: Omit<DeployVm, 'root'>): Record<string, string> {
  const { compute } = vm;
  const given: Record<string, string | number | undefined> = {
    ...vm.details,
    rootDiskController: vm.rootDiskController,
    dataDiskController: vm.dataDiskController,
    nicAdapter: vm.nicAdapter,
    cpuNumber: compute?.cpuCount,
    memory: compute?.memoryMib,
    cpuSpeed: compute?.cpuSpeedMhz,
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  );
}

/** The request's parameters; `iptonetworklist` keeps the order of the NICs. */
export function deployParameters(vm: DeployVm): Parameters {
  const parameters: Record<string, string | number | boolean | undefined> = {
    zoneid: vm.zoneId,
    serviceofferingid: vm.serviceOfferingId,
    name: vm.hostName,
    displayname: provisionalName(vm),
    hypervisor: 'KVM',
    startvm: false,
    leaseduration: vm.lease?.days,
    leaseexpiryaction: vm.lease?.action,
  };
  if (vm.root.kind === 'volume') parameters.volumeid = vm.root.volumeId;
  else {
    parameters.templateid = vm.root.templateId;
    parameters.rootdisksize = vm.root.sizeGib;
  }
  if (vm.firmware !== 'bios') {
    parameters.boottype = 'UEFI';
    parameters.bootmode = vm.firmware === 'uefi-secure' ? 'SECURE' : 'LEGACY';
  }
  for (const [index, nic] of vm.nics.entries()) {
    parameters[`iptonetworklist[${index}].networkid`] = nic.networkId;
    parameters[`iptonetworklist[${index}].ip`] = nic.ip;
    parameters[`iptonetworklist[${index}].mac`] = nic.mac;
  }
  for (const [key, value] of Object.entries(detailsOf(vm))) parameters[`details[0].${key}`] = value;
  return parameters;
}

/**
 * Makes a stopped VM, or finds the one that an earlier call made for the same owner, tags it and gives it its name. A half-made
 * VM (state `Error`) is removed first, but never a root disk of ours with it.
 * @throws OsseaError cloudstack.parameter for a size under the template's, a MAC or address in use, or a taken host name;
 * cloudstack.capacity, cloudstack.resource-limit, cloudstack.*
 */
export async function deployVm(
  client: CloudStackClient,
  vm: DeployVm,
  options: EffectOptions,
): Promise<CloudVm> {
  const { signal, pauseMs, onAccepted } = options;
  let toldId: CloudId | undefined;
  const look = () => (toldId ? findVm(client, toldId, signal) : findOwnVm(client, vm.ownerId, signal));
  const settled = () => lookWhenSettled(client, look, passingVmStates, signal);
  const made = async () => {
    const found = await settled();
    return found && found.state !== 'Error' ? found : undefined;
  };
  const found =
    (options.first ? undefined : await lookAgain(made, { pauseMs, signal })) ??
    (await settle({
      subject: `the deployment of ${vm.displayName}`,
      act: async () => {
        const failed = await settled();
        if (failed) await destroyVm(client, failed.id, [], options);
        toldId = undefined;
        await client.callAsync('deployVirtualMachine', deployParameters(vm), {
          signal,
          onAccepted: async (job) => {
            toldId = job.objectId === undefined ? undefined : CloudId.parse(job.objectId);
            await onAccepted?.(job);
          },
        });
      },
      look: made,
      pauseMs,
      signal,
    }));
  return await nameAndTag(client, vm, found, options);
}

/** The last steps of the making of a VM, whatever way it was made. */
export async function nameAndTag(
  client: CloudStackClient,
  vm: Pick<DeployVm, 'ownerId' | 'displayName' | 'osTypeId' | 'tags'>,
  made: CloudVm,
  options: EffectOptions,
): Promise<CloudVm> {
  const find = () => findVm(client, made.id, options.signal);
  await ensureTags(client, 'UserVm', made, { ownerId: vm.ownerId, others: vm.tags }, find, options);
  if (made.name === provisionalName(vm)) {
    await updateVm(client, made.id, { displayName: vm.displayName, osTypeId: vm.osTypeId }, options);
  }
  return (await find()) ?? made;
}
