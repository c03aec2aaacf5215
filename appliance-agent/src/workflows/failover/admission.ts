import { type Failover, type FailoverState, OsseaError } from '../../contract/index.ts';
import { endedFailoverStates } from '../../store/failovers.ts';
import { finishJob } from '../finishJob.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { anotherStands } from './failoverCloud.ts';
import { recall, remember } from './liveMemory.ts';

/** Whether a failover has ended and its workload gone on to another one, or was migrated: what is left of it is found by the general cleanup. */
export async function isOthers(parts: WorkflowParts, failover: Failover): Promise<boolean> {
  if (!endedFailoverStates.some((state) => state === failover.state)) return false;
  const { state } = await parts.store.workloads.require(failover.workloadId);
  return state === 'migrated' || (await anotherStands(parts, failover));
}

/** What a job may find when it is let in. */
export interface Admission {
  /** States in which the failover may be when the job comes to its turn. */
  readonly states: readonly FailoverState[];
  /** What the job does, such as `rolled back`. */
  readonly what: string;
  /** False: the target's VM must not have run, as nobody typed its name. Default true. */
  readonly confirmed?: boolean | undefined;
}

/**
 * Lets a job work on a live failover. What it was asked for rested on the state of that moment; until the job's turn came, another one may have committed
 * or undone the failover, and a rollback would destroy what is its owner's by now. A job that goes on in a later process is let in again.
 * @returns false where it was refused: the job has ended then, and nothing was touched
 */
export async function isAdmitted(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  { states, what, confirmed = true }: Admission,
): Promise<boolean> {
  const { admittedJobId, startedAt } = await recall(parts, failover.id);
  if (admittedJobId === run.jobId) return true;
  const isTheirs = await isOthers(parts, failover);
  if (states.includes(failover.state) && (confirmed || !startedAt) && !isTheirs) {
    await remember(parts, failover.id, { admittedJobId: run.jobId });
    return true;
  }
  const { workloadName, state } = failover;
  const refused = new OsseaError(
    'request.conflict',
    `The failover of ${workloadName} was not ${what}: another job has worked on it since that was asked for. It is ${state}${isTheirs && states.includes(state) ? ', and its replica is another failover’s by now' : ''}.`,
    { field: 'id', value: failover.id, remedy: 'Look at it again, and ask anew where it is still wanted.' },
  );
  await finishJob(parts, run, undefined, refused.toProblem());
  return false;
}
