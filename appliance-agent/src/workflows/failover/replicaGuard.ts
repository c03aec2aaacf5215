import { type Failover, OsseaError, type Workload } from '../../contract/index.ts';
import type { WorkflowParts } from '../parts.ts';

/**
 * Makes sure that a workload's volumes are a replica, before a job writes the source's blocks to them or removes them: while a live failover stands
 * they may belong to a VM that works on them, or wait to be brought back, and afterwards they are that VM's own.
 * @param what is to be done, such as `replicated`
 * @throws OsseaError `request.conflict`
 */
export async function assertReplica(parts: WorkflowParts, workloadId: string, what: string): Promise<void> {
  const workload = await parts.store.workloads.require(workloadId);
  const standing = await parts.store.failovers.listOpen({ workloadId, kind: 'live' });
  const refusal = whyNoReplica(workload, standing, what);
  if (refusal) throw refusal;
}

function whyNoReplica(
  { name, state }: Workload,
  standing: readonly Failover[],
  what: string,
): OsseaError | undefined {
  if (state === 'migrated') {
    return new OsseaError(
      'request.conflict',
      `${name} cannot be ${what}: it was migrated, and its volumes belong to its VM on the target.`,
      { remedy: 'To move the source once more, remove the workload and add the VM anew.' },
    );
  }
  const live = standing.find((failover) => failover.state !== 'scheduled');
  if (!live && state !== 'failed-over') return undefined;
  const stands = live?.state ?? state;
  return new OsseaError(
    'request.conflict',
    `${name} cannot be ${what}: its live failover is ${stands}, and its volumes are no replica now.`,
    {
      value: live?.id,
      remedy:
        stands === 'interrupted'
          ? 'Clean the failover up, or go on with it, first.'
          : 'Commit the failover or roll it back first.',
    },
  );
}
