import type { CloudNic, CloudStackClient, CloudVm } from '../../cloudstack/client.ts';
import { destroyVm, findOwnVm, mayExpunge, stopVm, updateVm } from '../../cloudstack/machines.ts';
import { listOwnNetworks } from '../../cloudstack/networks.ts';
import { addNic, makeDefaultNic, removeNic } from '../../cloudstack/nics.ts';
import { lookAgain } from '../../cloudstack/settle.ts';
import { waitForImports } from '../../cloudstack/vmMethods/importVm.ts';
import { removeShellRoot } from '../../cloudstack/vmMethods/shellVm.ts';
import { type Failover, isOsseaError } from '../../contract/index.ts';
import type { StoredVolume } from '../../store/schema.ts';
import type { VolumeService } from '../../volumes/volumeService.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { anotherStands, openCloud, volumesOf } from './failoverCloud.ts';
import { remember } from './liveMemory.ts';
import { macOf } from './ownerIds.ts';
import { withSuffix } from './targetVmPlan.ts';

export interface RemoveTargetVm {
  /** True: the volumes are taken out of the VM and stay, as a replica's must; false: they may go with it, as a test's clones do. */
  readonly keepVolumes: boolean;
}

/** Of no adapter of a source. */
const placeholderKey = -1;

const inVm: ReadonlySet<string> = new Set(['joining-vm', 'in-vm', 'leaving-vm']);

/**
 * Stops the failover's VM, if there is one: from then on its source may be started. What is begun of a VM that is not there yet is waited for.
 * @throws OsseaError `cloudstack.*`
 */
export async function stopTargetVm(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  const { client } = await openCloud(parts, run, failover, signal);
  const intended = await parts.store.effects.listOpen({ failoverId: failover.id, kind: 'vm' });
  await findAndStop(client, failover, intended.length > 0, signal);
}

/** The VM, stopped, or undefined where there is none. @param intended whether one may have been made */
async function findAndStop(
  client: CloudStackClient,
  failover: Failover,
  intended: boolean,
  signal: AbortSignal,
): Promise<CloudVm | undefined> {
  // An import that is under way shows no VM yet.
  if (intended) await waitForImports(client, signal);
  const find = () => findOwnVm(client, failover.id, signal);
  // One that may have been made is given time to show; of one that never was, nothing is expected.
  const vm = intended ? await lookAgain(find, { signal }) : await find();
  if (vm && vm.state !== 'Error') await stopVm(client, vm.id, 'forced', { signal });
  return vm;
}

/**
 * Stops and destroys the failover's VM, wherever its making or an earlier removal had got to, and also where CloudStack shows it under another name: it
 * is found by its token. Resolves also when there is none. Volumes that stay are detached by then, and their records say so.
 * @throws OsseaError `cloudstack.*`
 */
export async function removeTargetVm(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  { keepVolumes }: RemoveTargetVm,
  signal: AbortSignal,
): Promise<void> {
  const { store } = parts;
  const { client, volumes } = await openCloud(parts, run, failover, signal);
  const effects = await store.effects.listOpen({ failoverId: failover.id });
  const intended = effects.filter(({ kind }) => kind === 'vm');
  // The replica is of the failover that stands: what an earlier one left takes nothing out of the VM of a later one.
  const own = (await anotherStands(parts, failover)) ? [] : await volumesOf(parts, failover);
  const held = own.filter(({ state }) => inVm.has(state));
  const vm = await findAndStop(client, failover, intended.length > 0, signal);
  if (vm) {
    await takeVolumesOut(volumes, held, keepVolumes, signal);
    if (vm.state !== 'Error') await removeShellRoot(client, failover.id, vm.id, { signal });
    if (vm.state !== 'Error' && !(await mayExpunge(client, signal))) {
      const ownNetworks = effects
        .filter(({ kind }) => kind === 'network')
        .flatMap(({ externalId }) => externalId ?? []);
      const heldMacs = await giveBack(client, vm, failover, ownNetworks, signal);
      if (failover.kind === 'live') await remember(parts, failover.id, { heldMacs: [...heldMacs] });
    }
    const losing = keepVolumes ? [] : held.flatMap(({ volumeId }) => volumeId ?? []);
    await destroyVm(client, vm.id, losing, { signal });
  } else {
    await takeVolumesOut(volumes, held, keepVolumes, signal);
    if (intended.length > 0) await removeShellRoot(client, failover.id, undefined, { signal });
  }
  for (const { id } of intended) await store.effects.markUndone(id);
}

async function takeVolumesOut(
  volumes: VolumeService,
  held: readonly StoredVolume[],
  keepVolumes: boolean,
  signal: AbortSignal,
): Promise<void> {
  for (const { id } of held) {
    try {
      await volumes.detachFromVm(id, signal);
    } catch (error) {
      // What went with its VM, as when somebody expunged that, does not come back by waiting; the source need not wait for it.
      if (isOsseaError(error, 'request.not-found')) continue;
      // A clone goes with its VM, and is not missed.
      if (keepVolumes || !isOsseaError(error, 'cloudstack.in-use')) throw error;
    }
  }
}

/**
 * Where an account may not expunge, a destroyed VM keeps its host name, its MAC addresses and its places in networks for as long as a day: name
 * and addresses would keep the next failover's VM from being made, and a place keeps a network from being deleted. So they are given back
 * before the VM, stopped, is destroyed. As a VM cannot be without an adapter, one with an address of no use takes their place, on a network
 * that the VM was not on, or that one of the others has made room on. May be repeated.
 * @returns the MAC addresses that stay with the VM, as its account has no network to put such an adapter on
 */
async function giveBack(
  client: CloudStackClient,
  vm: CloudVm,
  failover: Failover,
  ownNetworks: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const options = { signal };
  if (failover.kind === 'live') {
    const hostName = withSuffix(vm.hostName, `-${failover.id.slice(0, 8)}`);
    if (!vm.hostName.endsWith(`-${failover.id.slice(0, 8)}`)) {
      await updateVm(client, vm.id, { hostName }, options);
    }
  }
  // Of this VM: another one of the failover may have kept its own until it is expunged.
  const placeholder = macOf(vm.id, placeholderKey, new Set());
  const leaving = vm.nics.filter(
    ({ mac, networkId }) =>
      mac !== placeholder &&
      (failover.kind === 'live' || (networkId !== undefined && ownNetworks.includes(networkId))),
  );
  if (leaving.length === 0) return [];
  const there = vm.nics.find((nic) => !leaving.includes(nic));
  const stays = there ?? (await addPlaceholder(client, vm, placeholder, ownNetworks, options));
  if (!stays) return leaving.flatMap(({ mac }) => mac ?? []);
  await makeDefaultNic(client, vm.id, stays.id, options);
  for (const { id } of leaving) await removeNic(client, vm.id, id, options);
  return [];
}

/** Undefined where the account has no network in the zone but the one of the VM's default adapter. */
async function addPlaceholder(
  client: CloudStackClient,
  vm: CloudVm,
  mac: string,
  ownNetworks: readonly string[],
  options: { readonly signal: AbortSignal },
): Promise<CloudNic | undefined> {
  const networks = await listOwnNetworks(client, { zoneId: vm.zoneId }, options.signal);
  const fit = networks.filter(({ id, kind }) => kind !== 'Shared' && !ownNetworks.includes(id));
  const free = fit.find(({ id }) => !vm.nics.some(({ networkId }) => networkId === id));
  if (free) return addNic(client, vm.id, { networkId: free.id, mac }, 1, options);
  const spare = vm.nics.find(
    ({ isDefault, networkId }) => !isDefault && fit.some(({ id }) => id === networkId),
  );
  if (spare?.networkId === undefined) return undefined;
  await removeNic(client, vm.id, spare.id, options);
  return addNic(client, vm.id, { networkId: spare.networkId, mac }, 1, options);
}
