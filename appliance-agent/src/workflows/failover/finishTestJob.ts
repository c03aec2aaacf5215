import type { Problem } from '../../contract/index.ts';
import { finishJob } from '../finishJob.ts';
import type { JobRun } from '../jobRun.ts';
import { tellWorkload, type WorkflowParts } from '../parts.ts';

/**
 * Ends a job of a test. A failure calls for a person; a success takes no call back, as what replication beside it needs is another matter.
 */
export async function finishTestJob(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string,
  failure: Problem | undefined,
): Promise<void> {
  await finishJob(parts, run, failure ? workloadId : undefined, failure);
  await tellWorkload(parts, workloadId);
}
