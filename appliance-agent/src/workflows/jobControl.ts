import { type Job, OsseaError } from '../contract/index.ts';
import type { JobRunner } from './jobRunner.ts';
import { type NewJob, writeJob } from './newJob.ts';
import type { WorkflowParts } from './parts.ts';

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
