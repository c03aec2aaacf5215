import { randomUUID } from 'node:crypto';
import type { Job, JobKind } from '../contract/index.ts';
import { tellWorkload, type WorkflowParts } from './parts.ts';

/** A job that is to be started. */
export interface NewJob {
  /** Chosen by the caller where a repetition must not start a second one. Default: a new one. */
  readonly id?: string | undefined;
  readonly kind: JobKind;
  readonly workloadId: string | undefined;
  /** What the workflow is to do; small, and without secrets. */
  readonly request: unknown;
  readonly steps: readonly { readonly name: string; readonly title: string }[];
  readonly createdBy: string;
}

/**
 * Writes a job down and tells it; the runner takes it up within a second. For a step of another job, which must not start a workflow itself.
 * @throws OsseaError `job.running` where the workload has an active job in the same lane
 */
export async function writeJob(
  parts: WorkflowParts,
  { id = randomUUID(), workloadId, ...rest }: NewJob,
): Promise<Job> {
  const { store, hub } = parts;
  const workload = workloadId === undefined ? undefined : await store.workloads.require(workloadId);
  const job = await store.jobs.create({ id, workload, ...rest });
  await hub.publish({ kind: 'job', at: new Date().toISOString(), job });
  if (workload) await tellWorkload(parts, workload.id);
  return job;
}
