import pRetry from 'p-retry';
import {
  isOsseaError,
  type MoRef,
  OsseaError,
  type VirtualMachine,
  type Workload,
} from '../contract/index.ts';
import type { Effect } from '../store/effects.ts';
import type { VsphereClient } from '../vsphere/client.ts';
import type { WorkflowParts } from './parts.ts';

/** Hours of consolidation are normal on busy disks. */
const removalTimeoutMs = 4 * 3600_000;

/** The name under which a job's snapshot is found again. */
export function snapshotName(jobId: string): string {
  return `ossea-migrate ${jobId}`;
}

export interface TakenSnapshot {
  readonly snapshot: MoRef;
  /** When it was intended: what it shows is at least as new. */
  readonly takenAt: string;
}

/** Takes the job's snapshot, or finds the one that an earlier process took. */
export async function takeSnapshot(
  { store }: WorkflowParts,
  client: VsphereClient,
  job: {
    readonly id: string;
    readonly token: string;
    readonly workloadId: string;
    readonly sourceId: string;
  },
  vm: VirtualMachine,
  quiesce: boolean,
  signal: AbortSignal,
): Promise<TakenSnapshot> {
  const { token } = job;
  const effect = await store.effects.intend({
    jobId: job.id,
    kind: 'snapshot',
    token,
    endpointId: job.sourceId,
    workloadId: job.workloadId,
    detail: { vm: vm.moRef },
  });
  const description = 'Held by OSSEA Migrate while it copies; removed by it afterwards.';
  const create = async () =>
    (await client.findSnapshot(vm.moRef, token)) ??
    (await client.createSnapshot(vm.moRef, { name: token, description, quiesce }, signal));
  const snapshot = await pRetry(create, {
    signal,
    retries: 3,
    minTimeout: 1000,
    // A busy host, or a guest that would not be quiet for a moment: the next try often does.
    shouldRetry: ({ error }) => isOsseaError(error, 'vsphere.task-failed', 'vsphere.quiesce-failed'),
  });
  await store.effects.markDone(effect.id, snapshot, { vm: vm.moRef });
  return { snapshot, takenAt: effect.createdAt.toISOString() };
}

/** Removes what an effect made, if it is still there. Snapshots of others are never touched: only our token counts. */
export async function removeSnapshotEffect(
  { store }: WorkflowParts,
  client: VsphereClient,
  effect: Effect,
  instanceUuid: string,
  signal: AbortSignal,
): Promise<void> {
  const vm = await client.findVm({ instanceUuid });
  const snapshot = vm && (await client.findSnapshot(vm.moRef, effect.token));
  // As it is in the ledger now: an earlier attempt may have got further than its caller knows.
  const detail = Object((await store.effects.get(effect.id))?.detail ?? effect.detail);
  let consolidates: unknown = detail.consolidates;
  if (vm && snapshot) {
    if (typeof consolidates !== 'boolean') {
      // What is to be consolidated before our removal is somebody else's business; what is afterwards is ours, also for the next process.
      consolidates = !vm.consolidationNeeded;
      await store.effects.markDone(effect.id, snapshot, { ...detail, consolidates });
    }
    try {
      await client.removeSnapshot(snapshot, { consolidate: true, timeoutMs: removalTimeoutMs }, signal);
    } catch (error) {
      // Gone in between: by an earlier removal of ours whose answer was lost.
      if (!isOsseaError(error, 'vsphere.not-found')) throw error;
    }
    if (await client.findSnapshot(vm.moRef, effect.token)) {
      throw new OsseaError(
        'vsphere.task-failed',
        `The snapshot ${effect.token} of ${vm.name} is still there.`,
        {
          remedy: 'Look at the tasks of the VM in vCenter; cleanup tries again.',
          retryable: true,
        },
      );
    }
  }
  if (vm && consolidates === true && (await client.vm(vm.moRef)).consolidationNeeded) {
    await client.consolidate(vm.moRef, signal);
  }
  await store.effects.markUndone(effect.id);
}

/**
 * Removes what earlier jobs of the workload had to leave, such as while vCenter was away: a snapshot of ours would keep the
 * next copy from reading the disks.
 */
export async function removeEarlierSnapshots(
  parts: WorkflowParts,
  client: VsphereClient,
  workload: Workload,
  jobId: string,
  signal: AbortSignal,
): Promise<void> {
  for (const effect of await parts.store.effects.listOpen({ kind: 'snapshot' })) {
    if (effect.workloadId !== workload.id || effect.jobId === jobId) continue;
    await removeSnapshotEffect(parts, client, effect, workload.instanceUuid, signal);
  }
}
