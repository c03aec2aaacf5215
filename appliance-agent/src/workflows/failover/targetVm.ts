import type { CloudVm } from '../../cloudstack/client.ts';
import { requireOwnVm, startVm } from '../../cloudstack/machines.ts';
import type { VmOfVolume } from '../../cloudstack/vmMethods/rootVolume.ts';
import { type Failover, type FailoverVm, isOsseaError, OsseaError } from '../../contract/index.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { openCloud } from './failoverCloud.ts';
import { changeFailover } from './failoverRecord.ts';
import { prepareLettingGo } from './replicaProtection.ts';
import type { TargetVmPlan } from './targetVmPlan.ts';
import { makeVmOfVolume } from './vmMethod.ts';

export { type RemoveTargetVm, removeTargetVm } from './removeTargetVm.ts';
export {
  afterConversion,
  type PlannedDisk,
  type PlannedNic,
  planTargetVm,
  type TargetVmFacts,
  type TargetVmPlan,
} from './targetVmPlan.ts';

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
    endpointId: cloud.target.id,
    workloadId: failover.workloadId,
    failoverId: failover.id,
    detail: { name: plan.displayName },
  });
  const { vm, method, reason } = await refusalsTold(plan, () =>
    makeVmOfVolume(cloud, vmOf(failover, plan), plan.bootDisk.recordId, {
      signal,
      first: effect.isNew,
      // The clones of a test have neither snapshots nor journals.
      ...(failover.kind === 'live' && {
        beforeLettingGo: (volumeId) =>
          prepareLettingGo(parts, failover, { diskId: plan.bootDisk.recordId, volumeId }, signal),
      }),
    }),
  );
  await store.effects.markDone(effect.id, vm.id);
  for (const { recordId } of plan.dataDisks) {
    await cloud.volumes.attachToVm(recordId, vm.id, undefined, signal);
  }
  assertAddresses(plan, vm);
  const made: FailoverVm = {
    id: vm.id,
    name: plan.displayName,
    method,
    methodReason: reason,
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
  const owner = { id: failover.id, name: failover.workloadName };
  const vm = await requireOwnVm(client, owner, { signal });
  await startVm(client, vm.id, { signal });
}

function vmOf(failover: Failover, plan: TargetVmPlan): VmOfVolume {
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
        {
          value: mac,
          remedy:
            'Free the address, or choose a new one for that adapter in the workload’s settings; then go on with the failover.',
          cause: error,
        },
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
