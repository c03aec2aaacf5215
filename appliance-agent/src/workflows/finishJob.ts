import type { Problem } from '../contract/index.ts';
import type { JobRun } from './jobRun.ts';
import { tellWorkload, type WorkflowParts } from './parts.ts';

/** Writes the job's end down, where it happened or in a process after it. */
export async function finishJob(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string | undefined,
  failure: Problem | undefined,
): Promise<void> {
  const { store } = parts;
  await run.close();
  const cancelled = failure?.code === 'job.cancelled';
  if (failure && !cancelled) {
    await run.change({ state: 'failed', waitReason: null, message: null, problem: failure });
    if (workloadId !== undefined) await store.workloads.update(workloadId, { attention: failure });
  } else {
    await run.change({ state: cancelled ? 'cancelled' : 'succeeded', waitReason: null, message: null });
    if (workloadId !== undefined && !cancelled) await store.workloads.update(workloadId, { attention: null });
  }
  if (workloadId !== undefined) await tellWorkload(parts, workloadId);
}
