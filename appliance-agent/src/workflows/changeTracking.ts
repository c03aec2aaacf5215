import { isOsseaError, type VirtualMachine, type Workload } from '../contract/index.ts';
import type { JobRun } from './jobRun.ts';
import type { WorkflowParts } from './parts.ts';
import { snapshotName } from './snapshots.ts';

/**
 * Where change tracking is off it is switched on, with the short stun that makes it count (pitfall 6); where that is refused, the copy
 * goes on without.
 */
export async function enableChangeTracking(
  { store, sessions }: WorkflowParts,
  run: JobRun,
  workload: Workload,
  vm: VirtualMachine,
  signal: AbortSignal,
): Promise<void> {
  if (vm.changeTracking || !vm.changeTrackingSupported || vm.snapshots.length > 0) return;
  const token = `${snapshotName(run.jobId)} cbt`;
  const effect = await store.effects.intend({
    jobId: run.jobId,
    kind: 'snapshot',
    token,
    endpointId: workload.sourceId,
    workloadId: workload.id,
  });
  try {
    const client = await sessions.vcenter(workload.sourceId);
    await client.enableChangeTracking(vm.moRef, token, signal);
    await store.effects.markUndone(effect.id);
  } catch (error) {
    if (signal.aborted || !isOsseaError(error)) throw error;
    run.logger.warn({ code: error.code, detail: error.message }, 'changed block tracking stays off');
  }
}
