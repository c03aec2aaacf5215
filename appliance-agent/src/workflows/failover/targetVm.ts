import type { CloudStackClient, CloudVm } from '../../cloudstack/client.ts';
import { type DeployVm, deployVm } from '../../cloudstack/deployVm.ts';
import { destroyVm, findOwnVm, startVm, stopVm } from '../../cloudstack/machines.ts';
import {
  type Failover,
  type FailoverVm,
  isOsseaError,
  OsseaError,
  type VolumeId,
} from '../../contract/index.ts';
import type { StoredVolume } from '../../store/schema.ts';
import type { VolumeService } from '../../volumes/volumeService.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { changeFailover } from './failoverRecord.ts';
import { ownerIdOf } from './ownerIds.ts';
import type { PlannedDisk, TargetVmPlan } from './targetVmPlan.ts';

export {
  afterConversion,
  type PlannedDisk,
  type PlannedNic,
  planTargetVm,
  type TargetVmFacts,
  type TargetVmPlan,
} from './targetVmPlan.ts';

/** The failover's side of the cloud. */
interface Cloud {
  readonly targetId: string;
  readonly client: CloudStackClient;
  readonly volumes: VolumeService;
}

/**
 * Makes the VM of a plan, stopped, with its volumes in their places, or goes on with what an earlier call began: the VM is found again by the
 * failover's id. What is made is in the ledger before it is made. The failover's record has the VM when this resolves.
 * The volumes must be detached from the appliance.
 * @throws OsseaError `failover.vm`, `failover.mac-in-use`, `cloudstack.*`
 */
export async function makeTargetVm(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  plan: TargetVmPlan,
  signal: AbortSignal,
): Promise<FailoverVm> {
  const { store } = parts;
  const cloud = await openCloud(parts, run, failover, signal);
  const effect = await store.effects.intend({
    jobId: run.jobId,
    kind: 'vm',
    token: failover.id,
    endpointId: cloud.targetId,
    workloadId: failover.workloadId,
    failoverId: failover.id,
    detail: { name: plan.displayName },
  });
  const vm = await refusalsTold(plan, () => deploy(parts, cloud, failover, plan, signal));
  await store.effects.markDone(effect.id, vm.id);
  for (const { recordId } of plan.dataDisks) {
    await cloud.volumes.attachToVm(recordId, vm.id, undefined, signal);
  }
  assertAddresses(plan, vm);
  const made: FailoverVm = {
    id: vm.id,
    name: plan.displayName,
    method: 'deploy-from-volume',
    methodReason: 'The cloud makes VMs of volumes.',
    nics: plan.nics.flatMap(({ sourceKey, networkId, networkName, mac }, index) =>
      sourceKey === undefined
        ? []
        : [
            {
              sourceKey,
              networkId,
              ...(networkName !== undefined && { networkName }),
              mac,
              ...(vm.nics[index]?.ip !== undefined && { address: vm.nics[index].ip }),
            },
          ],
    ),
  };
  await changeFailover(parts, failover.id, { vm: made });
  return made;
}

/** Starts the failover's VM; resolves when CloudStack says that it runs, also where it did already. @throws OsseaError `cloudstack.*` */
export async function startTargetVm(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  const { client } = await openCloud(parts, run, failover, signal);
  const vm = await findOwnVm(client, failover.id, signal);
  if (!vm) {
    throw new OsseaError(
      'failover.vm',
      `CloudStack shows no VM of the failover of ${failover.workloadName}.`,
      {
        remedy: 'See in CloudStack whether it was removed, then clean this failover up.',
      },
    );
  }
  await startVm(client, vm.id, { signal });
}

export interface RemoveTargetVm {
  /** True: the volumes are taken out of the VM and stay, as a replica's must; false: they may go with it, as a test's clones do. */
  readonly keepVolumes: boolean;
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
  const held = (await volumesOf(parts, failover)).filter(({ state }) => inVm.has(state));
  const vm = await findOwnVm(client, failover.id, signal);
  if (vm) {
    if (vm.state !== 'Error') await stopVm(client, vm.id, 'forced', { signal });
    await takeVolumesOut(volumes, held, keepVolumes, signal);
    const losing = keepVolumes ? [] : held.flatMap(({ volumeId }) => volumeId ?? []);
    await destroyVm(client, vm.id, losing, { signal });
  } else await takeVolumesOut(volumes, held, keepVolumes, signal);
  for (const { id } of await store.effects.listOpen({ failoverId: failover.id, kind: 'vm' })) {
    await store.effects.markUndone(id);
  }
}

const inVm: ReadonlySet<string> = new Set(['joining-vm', 'in-vm', 'leaving-vm']);

/** The volumes that a failover works with: a test's clones, or the replica. */
export async function volumesOf({ store }: WorkflowParts, failover: Failover): Promise<StoredVolume[]> {
  if (failover.kind === 'live') return store.volumes.ofWorkload(failover.workloadId);
  const clones = await store.volumes.ofWorkload(failover.workloadId, 'clone');
  return clones.filter(({ id, workloadDiskId }) => id === ownerIdOf(failover.id, 'clone', workloadDiskId));
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

/** The VM with its root disk, by the way that the cloud offers. */
async function deploy(
  { store }: WorkflowParts,
  { client, volumes }: Cloud,
  failover: Failover,
  plan: TargetVmPlan,
  signal: AbortSignal,
): Promise<CloudVm> {
  await volumes.release(plan.bootDisk.recordId, undefined, signal);
  const volumeId = await volumeIdOf(store, plan.bootDisk);
  const vm = await deployVm(
    client,
    { ...vmOf(failover, plan), root: { kind: 'volume', volumeId } },
    { signal },
  );
  await volumes.release(plan.bootDisk.recordId, vm.id, signal);
  return vm;
}

async function volumeIdOf(
  store: WorkflowParts['store'],
  { recordId, label }: PlannedDisk,
): Promise<VolumeId> {
  const record = await store.volumes.get(recordId);
  if (record?.volumeId === undefined) throw new TypeError(`${label} has no volume`);
  return record.volumeId;
}

function vmOf(failover: Failover, plan: TargetVmPlan): Omit<DeployVm, 'root'> {
  return {
    ownerId: failover.id,
    hostName: plan.hostName,
    displayName: plan.displayName,
    zoneId: plan.zoneId,
    serviceOfferingId: plan.serviceOfferingId,
    compute: plan.compute,
    nics: plan.nics.map(({ networkId, address, mac }) => ({ networkId, ip: address, mac })),
    ...plan.hardware,
    osTypeId: plan.osTypeId,
    tags: plan.tags,
    lease: plan.leaseDays === undefined ? undefined : { days: plan.leaseDays, action: 'DESTROY' },
  };
}

/** What CloudStack refuses for good is told as what it means here; what may pass stays as it is, and is tried again. */
async function refusalsTold<T>(plan: TargetVmPlan, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOsseaError(error) || error.retryable || !error.code.startsWith('cloudstack.')) throw error;
    const mac = plan.nics.find((nic) => error.message.toLowerCase().includes(nic.mac))?.mac;
    if (mac !== undefined && /mac/i.test(error.message)) {
      throw new OsseaError(
        'failover.mac-in-use',
        `CloudStack refuses the MAC address ${mac}, perhaps because a VM has it that the account does not see: ${error.message}`,
        { value: mac, remedy: 'Free the address, or let the target give a new one.', cause: error },
      );
    }
    throw new OsseaError('failover.vm', `${plan.displayName} could not be made: ${error.message}`, {
      remedy: error.remedy,
      value: error.value,
      cause: error,
    });
  }
}

/** CloudStack replaces addresses in some cases without a word. @throws OsseaError `failover.mac-in-use` */
function assertAddresses(plan: TargetVmPlan, { name, nics }: CloudVm): void {
  for (const [index, planned] of plan.nics.entries()) {
    const mac = nics[index]?.mac;
    if (mac === planned.mac) continue;
    throw new OsseaError(
      'failover.mac-in-use',
      `CloudStack gave ${name} the MAC address ${mac ?? 'of no adapter'} in place of ${planned.mac}.`,
      { value: planned.mac, remedy: 'See which VM of the zone has the address.' },
    );
  }
}

async function openCloud(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<Cloud> {
  const { store, sessions } = parts;
  const { targetId } = await store.workloads.require(failover.workloadId);
  await haveCredentials(parts, run, [await store.targets.require(targetId)], signal);
  return { targetId, client: await sessions.cloud(targetId), volumes: await sessions.volumes(targetId) };
}
