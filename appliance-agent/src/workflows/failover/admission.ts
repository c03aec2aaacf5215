import { type Failover, type FailoverState, OsseaError } from '../../contract/index.ts';
import { finishJob } from '../finishJob.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { recall, remember } from './liveMemory.ts';

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
  if (states.includes(failover.state) && (confirmed || !startedAt)) {
    await remember(parts, failover.id, { admittedJobId: run.jobId });
    return true;
  }
  const { workloadName, state } = failover;
  const refused = new OsseaError(
    'request.conflict',
    `The failover of ${workloadName} was not ${what}: another job has worked on it since that was asked for, and it is ${state}.`,
    { field: 'id', value: failover.id, remedy: 'Look at it again, and ask anew where it is still wanted.' },
  );
  await finishJob(parts, run, undefined, refused.toProblem());
  return false;
}
