import type { Problem } from '../contract/index.ts';
import { finishJob } from './finishJob.ts';
import { cancelError, type JobRun } from './jobRun.ts';
import type { WorkflowParts } from './parts.ts';
import { type CycleRequest, runCycle } from './runCycle.ts';

/** The steps, in order, as people read them. */
export const replicateSteps = [
  { name: 'preflight', title: 'Check the VM and the target' },
  { name: 'snapshot', title: 'Take a snapshot' },
  { name: 'volumes', title: 'Create the volumes' },
  { name: 'copy', title: 'Copy the disks' },
  { name: 'verify', title: 'Verify the copy' },
  { name: 'record', title: 'Record the point in time' },
  { name: 'detach', title: 'Detach the volumes' },
  { name: 'remove-snapshot', title: 'Remove the snapshot' },
] as const;

/** One cycle as a job of its own. */
export async function replicate(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string,
  request: CycleRequest,
): Promise<void> {
  let failure: Problem | undefined;
  try {
    await runCycle(parts, run, workloadId, request);
  } catch (error) {
    failure = run.cancelled ? cancelError().toProblem() : run.problemOf(error);
  }
  await finishJob(parts, run, workloadId, failure);
}
