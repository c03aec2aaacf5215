import { type CloudId, isOsseaError, OsseaError } from '../contract/index.ts';
import { CloudVm } from './answers.ts';
import type { CloudStackClient, Parameters } from './client.ts';
import { belongsTo, ownerTag, tokenOf } from './ownership.ts';
import { lookWhenSettled } from './pendingWork.ts';
import { type EffectOptions, lookAgain, settle } from './settle.ts';
import { listVolumes } from './volumes.ts';

export interface VmFilter {
  readonly id?: CloudId | undefined;
  readonly zoneId?: CloudId | undefined;
  readonly networkId?: CloudId | undefined;
  /** A part of one of its names. */
  readonly keyword?: string | undefined;
  readonly tag?: { readonly key: string; readonly value?: string | undefined } | undefined;
}

/** States on the way to another one. */
export const passingVmStates: ReadonlySet<string> = new Set(['Starting', 'Stopping', 'Migrating']);

/** States of a VM that is removed, or can only be. */
const gone: ReadonlySet<string> = new Set(['Destroyed', 'Expunging', 'Expunged']);

/** VMs that the account may see, of its own and of accounts below it. */
export function listVms(
  client: CloudStackClient,
  filter: VmFilter,
  signal?: AbortSignal,
): Promise<CloudVm[]> {
  const parameters: Parameters = {
    listall: true,
    id: filter.id,
    zoneid: filter.zoneId,
    networkid: filter.networkId,
    keyword: filter.keyword,
    ...(filter.tag && { 'tags[0].key': filter.tag.key, 'tags[0].value': filter.tag.value }),
  };
  return client.list('listVirtualMachines', parameters, 'virtualmachine', CloudVm, signal);
}

/** By what a VM has booted; undefined where it does not run, or CloudStack does not say. */
export function runningFirmware({
  state,
  bootType,
  bootMode,
}: Pick<CloudVm, 'state' | 'bootType' | 'bootMode'>): 'bios' | 'uefi' | 'uefi-secure' | undefined {
  if (state !== 'Running' || bootType === undefined) return undefined;
  if (bootType !== 'uefi') return 'bios';
  return bootMode === 'secure' ? 'uefi-secure' : 'uefi';
}

/** Undefined when there is no such VM (any more) that the account may see. */
export async function findVm(
  client: CloudStackClient,
  id: CloudId,
  signal?: AbortSignal,
): Promise<CloudVm | undefined> {
  try {
    const vms = await listVms(client, { id }, signal);
    return vms.find((vm) => vm.id === id && !gone.has(vm.state));
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.parameter')) return undefined;
    throw error;
  }
}

/** The VM when no job works on it any more. @throws OsseaError request.not-found when it is gone */
export async function requireVm(
  client: CloudStackClient,
  id: CloudId,
  signal: AbortSignal,
): Promise<CloudVm> {
  const vm = await findSettledVm(client, id, signal);
  if (vm) return vm;
  throw new OsseaError('request.not-found', `CloudStack shows no VM ${id} to this account.`, {
    remedy: 'See in CloudStack whether the VM was removed, then clean up this failover.',
  });
}

/** The VM as it is when no job works on it any more; undefined when it is gone. */
export function findSettledVm(
  client: CloudStackClient,
  id: CloudId,
  signal: AbortSignal,
): Promise<CloudVm | undefined> {
  return lookWhenSettled(client, () => findVm(client, id, signal), passingVmStates, signal);
}

/**
 * The VM that was made for an owner, by our tag, or before it was tagged by the token in its displayed name. Undefined when
 * there is none.
 */
export async function findOwnVm(
  client: CloudStackClient,
  ownerId: string,
  signal: AbortSignal,
): Promise<CloudVm | undefined> {
  const tagged = await listVms(client, { tag: { key: ownerTag, value: ownerId } }, signal);
  const named = await listVms(client, { keyword: tokenOf(ownerId) }, signal);
  return [...tagged, ...named].find((vm) => belongsTo(vm, ownerId) && !gone.has(vm.state));
}

/**
 * The VM that was made for an owner, given time to show: a list may answer what it answered before the VM was tagged.
 * @throws OsseaError failover.vm when there is none
 */
export async function requireOwnVm(
  client: CloudStackClient,
  owner: { readonly id: string; readonly name: string },
  { signal, pauseMs }: Pick<EffectOptions, 'signal' | 'pauseMs'>,
): Promise<CloudVm> {
  const vm = await lookAgain(() => findOwnVm(client, owner.id, signal), { signal, pauseMs });
  if (vm) return vm;
  throw new OsseaError('failover.vm', `CloudStack shows no VM of the failover of ${owner.name}.`, {
    remedy:
      'See in CloudStack whether it was removed. If it was, clean this failover up, or roll it back where it stands already.',
  });
}

/** Starts a VM. Resolves when it runs. @throws OsseaError cloudstack.capacity where no host takes it, cloudstack.* */
export async function startVm(
  client: CloudStackClient,
  id: CloudId,
  options: EffectOptions,
): Promise<CloudVm> {
  try {
    return await bringTo(client, id, 'Running', 'startVirtualMachine', {}, options);
  } catch (error) {
    if (!isOsseaError(error, 'cloudstack.capacity')) throw error;
    const vm = await requireVm(client, id, options.signal);
    if (vm.bootType !== 'uefi') throw error;
    // CloudStack calls it capacity too where it has hosts with room, and none that boots by that firmware.
    throw new OsseaError(error.code, error.message, {
      retryable: error.retryable,
      remedy: `${vm.name} boots with UEFI${vm.bootMode === 'secure' ? ' and Secure Boot' : ''}: let the cloud’s administrator check that a host with room boots that (ueficapability of listHosts; uefi.properties on the host), or free capacity in the zone.`,
      cause: error,
    });
  }
}

/**
 * Stops a VM: by its guest, for as long as CloudStack waits for that, or at once. Resolves when it is stopped.
 * @param how `graceful` asks the guest and fails where it does not answer; `forced` pulls the plug
 */
export async function stopVm(
  client: CloudStackClient,
  id: CloudId,
  how: 'graceful' | 'forced',
  options: EffectOptions,
): Promise<CloudVm> {
  return await bringTo(client, id, 'Stopped', 'stopVirtualMachine', { forced: how === 'forced' }, options);
}

async function bringTo(
  client: CloudStackClient,
  id: CloudId,
  state: 'Running' | 'Stopped',
  command: string,
  parameters: Parameters,
  { signal, pauseMs, onAccepted }: EffectOptions,
): Promise<CloudVm> {
  const vm = await requireVm(client, id, signal);
  if (vm.state === state) return vm;
  return await settle({
    subject: `${state === 'Running' ? 'the start' : 'the stop'} of ${vm.name}`,
    act: async () => {
      await client.callAsync(command, { id, ...parameters }, { signal, onAccepted });
    },
    look: async () => {
      const seen = await requireVm(client, id, signal);
      return seen.state === state ? seen : undefined;
    },
    pauseMs,
    signal,
  });
}

export interface VmChanges {
  /** The name that people see. */
  readonly displayName?: string | undefined;
  /** The host name; takes effect at the next start. */
  readonly hostName?: string | undefined;
  readonly osTypeId?: CloudId | undefined;
  /** Replace all settings that there are. Only while the VM is stopped. */
  readonly details?: Readonly<Record<string, string>> | undefined;
}

/** Changes names and settings of a VM; the same call may be repeated. */
export async function updateVm(
  client: CloudStackClient,
  id: CloudId,
  changes: VmChanges,
  { signal, pauseMs }: Pick<EffectOptions, 'signal' | 'pauseMs'>,
): Promise<void> {
  const details = Object.entries(changes.details ?? {}).map(([key, value]) => [`details[0].${key}`, value]);
  await settle({
    subject: `the change of the VM ${id}`,
    act: async () => {
      await client.call(
        'updateVirtualMachine',
        {
          id,
          displayname: changes.displayName,
          name: changes.hostName,
          ostypeid: changes.osTypeId,
          ...Object.fromEntries(details),
        },
        { signal },
      );
    },
    look: async () => {
      const vm = await requireVm(client, id, signal);
      const hasDetails = Object.entries(changes.details ?? {}).every(
        ([key, value]) => vm.details[key] === undefined || vm.details[key] === value,
      );
      const hasNames =
        (changes.displayName ?? vm.name) === vm.name && (changes.hostName ?? vm.hostName) === vm.hostName;
      return hasNames && hasDetails ? true : undefined;
    },
    pauseMs,
    signal,
  });
}

/**
 * Destroys a VM for good, or as far as the account may: where it may not expunge, CloudStack does so after a while. Volumes
 * other than its root disk are detached by that and stay. Resolves also when the VM is gone already.
 * @param losing volumes that may be lost with it. Any other volume that bears our mark keeps the VM from being destroyed, as its
 * root disk would go with it
 * @throws OsseaError cloudstack.in-use for a volume of ours on it that is not named
 */
export async function destroyVm(
  client: CloudStackClient,
  id: CloudId,
  losing: readonly string[],
  { signal, pauseMs, onAccepted }: EffectOptions,
): Promise<void> {
  const find = () => findSettledVm(client, id, signal);
  const vm = await lookAgain(find, { pauseMs, signal });
  if (!vm) return;
  const destroy = async (expunge: boolean) => {
    await assertNothingLost(client, vm, losing, signal);
    await client.callAsync(
      'destroyVirtualMachine',
      { id, ...(expunge && { expunge: true }) },
      { signal, onAccepted },
    );
  };
  await settle({
    subject: `the destruction of ${vm.name}`,
    act: async () => {
      try {
        await destroy(true);
      } catch (error) {
        if (!refusesExpunge(error)) throw error;
        await destroy(false);
      }
    },
    look: async () => ((await find()) ? undefined : true),
    pauseMs,
    signal,
  });
}

/** Whether the account may remove VMs for good; false where CloudStack does not tell. */
export async function mayExpunge(client: CloudStackClient, signal: AbortSignal): Promise<boolean> {
  return (await client.listCapabilities(signal)).expungeVm;
}

/** An account may expunge only where `allow.user.expunge.recover.vm` is set. It is said with different codes. */
function refusesExpunge(error: unknown): boolean {
  return isOsseaError(error) && /expunge/i.test(error.message);
}

async function assertNothingLost(
  client: CloudStackClient,
  vm: CloudVm,
  losing: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const attached = await listVolumes(client, { virtualMachineId: vm.id }, signal);
  const kept = attached.find(
    // The root disk that a shell was made with bears the mark of its VM; a volume with a record has one of its own.
    ({ id, type, tags }) =>
      type === 'ROOT' && ![undefined, vm.tags[ownerTag]].includes(tags[ownerTag]) && !losing.includes(id),
  );
  if (!kept) return;
  throw new OsseaError(
    'cloudstack.in-use',
    `The VM ${vm.name} is not destroyed: its root disk is ${kept.name}, which would be lost with it.`,
    { remedy: 'Stop the VM and detach that volume first.', value: kept.id },
  );
}
