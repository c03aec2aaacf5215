import { randomUUID } from 'node:crypto';
import { type Job, type JobKind, OsseaError } from '../contract/index.ts';
import type { JobRunner } from './jobRunner.ts';
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

/** Starts and cancels jobs, for the API and for what starts by itself. */
export class JobControl {
  readonly #parts: WorkflowParts;
  readonly #runner: JobRunner;

  constructor(parts: WorkflowParts, runner: JobRunner) {
    this.#parts = parts;
    this.#runner = runner;
  }

  /** @throws OsseaError `job.running` where the workload has an active job in the same lane */
  async start(newJob: NewJob): Promise<Job> {
    // Written down first: a process that is started meanwhile finds it and runs it.
    const job = await writeJob(this.#parts, newJob);
    await this.#runner.start(job.id);
    return job;
  }

  /** Ends a job within a second, wherever it is. @throws OsseaError `request.not-found` */
  async cancel(jobId: string): Promise<Job> {
    await this.#parts.store.jobs.requestCancel(jobId);
    this.#runner.cancel(jobId);
    return this.require(jobId);
  }

  /** @throws OsseaError `request.not-found` */
  async require(jobId: string): Promise<Job> {
    const job = await this.#parts.store.jobs.get(jobId);
    if (job) return job;
    throw new OsseaError('request.not-found', `There is no job ${jobId}.`, {
      remedy: 'List the jobs again.',
    });
  }
}
