import type { CloudStackClient, CloudVm } from '../../cloudstack/client.ts';
import { destroyVm, findOwnVm, mayExpunge, stopVm, updateVm } from '../../cloudstack/machines.ts';
import { addNic, listNics, makeDefaultNic, removeNic } from '../../cloudstack/nics.ts';
import { lookAgain } from '../../cloudstack/settle.ts';
import { waitForImports } from '../../cloudstack/vmMethods/importVm.ts';
import { removeShellRoot } from '../../cloudstack/vmMethods/shellVm.ts';
import { type CloudId, type Failover, isOsseaError } from '../../contract/index.ts';
import type { StoredVolume } from '../../store/schema.ts';
import type { VolumeService } from '../../volumes/volumeService.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { openCloud, volumesOf } from './failoverCloud.ts';
import { withSuffix } from './targetVmPlan.ts';

export interface RemoveTargetVm {
  /** True: the volumes are taken out of the VM and stay, as a replica's must; false: they may go with it, as a test's clones do. */
  readonly keepVolumes: boolean;
}

const inVm: ReadonlySet<string> = new Set(['joining-vm', 'in-vm', 'leaving-vm']);

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
  const { client, volumes, target } = await openCloud(parts, run, failover, signal);
  const effects = await store.effects.listOpen({ failoverId: failover.id });
  const intended = effects.filter(({ kind }) => kind === 'vm');
  const held = (await volumesOf(parts, failover)).filter(({ state }) => inVm.has(state));
  // An import that is under way shows no VM yet.
  if (intended.length > 0) await waitForImports(client, signal);
  const find = () => findOwnVm(client, failover.id, signal);
  // One that may have been made is given time to show; of one that never was, nothing is expected.
  const vm = intended.length > 0 ? await lookAgain(find, { signal }) : await find();
  if (vm) {
    if (vm.state !== 'Error') await stopVm(client, vm.id, 'forced', { signal });
    await takeVolumesOut(volumes, held, keepVolumes, signal);
    if (vm.state !== 'Error') await removeShellRoot(client, failover.id, vm.id, { signal });
    if (vm.state !== 'Error' && !(await mayExpunge(client, signal))) {
      const ownNetworks = effects
        .filter(({ kind }) => kind === 'network')
        .flatMap(({ externalId }) => externalId ?? []);
      await giveBack(client, vm, { ownNetworks, otherNetwork: target.config.networkId, failover }, signal);
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
      // A clone that went with its VM, as at the end of CloudStack's lease, is not missed.
      if (keepVolumes || !isOsseaError(error, 'request.not-found', 'cloudstack.in-use')) throw error;
    }
  }
}

/**
 * Where an account may not expunge, a destroyed VM keeps its host name and its place in its networks for as long as a day: the name would keep the next
 * failover's VM from being made, and the place a network from being deleted. So both are given back before the VM, stopped, is destroyed.
 */
async function giveBack(
  client: CloudStackClient,
  vm: CloudVm,
  {
    ownNetworks,
    otherNetwork,
    failover,
  }: {
    readonly ownNetworks: readonly string[];
    readonly otherNetwork: CloudId | undefined;
    readonly failover: Failover;
  },
  signal: AbortSignal,
): Promise<void> {
  const options = { signal };
  const hostName = withSuffix(vm.hostName, `-${failover.id.slice(0, 8)}`);
  if (failover.kind === 'live') await updateVm(client, vm.id, { hostName }, options);
  const leaving = vm.nics.filter(
    ({ networkId }) => networkId !== undefined && ownNetworks.includes(networkId),
  );
  if (leaving.length === 0 || otherNetwork === undefined) return;
  if (leaving.length === vm.nics.length) {
    const { id } = await addNic(client, vm.id, { networkId: otherNetwork }, 1, options);
    await makeDefaultNic(client, vm.id, id, options);
  } else if (leaving.some(({ isDefault }) => isDefault)) {
    const staying = (await listNics(client, vm.id, signal)).find(
      (nic) => !leaving.some(({ id }) => id === nic.id),
    );
    if (staying) await makeDefaultNic(client, vm.id, staying.id, options);
  }
  for (const { id } of leaving) await removeNic(client, vm.id, id, options);
}
