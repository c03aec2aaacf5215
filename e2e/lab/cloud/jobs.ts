import { randomUUID } from 'node:crypto';
import { ApiError, apiErrorCodes } from './apiError.ts';
import type { FaultPlan } from './faults.ts';
import type { Account } from './model.ts';
import { cloudTime } from './time.ts';

/** A JSON object of an answer. */
export type Answer = Record<string, unknown>;

/** A job that was accepted. */
export interface StartedJob {
  /** The new or changed object. */
  instanceType: string;
  instanceId: string;
  /** True where the answer tells `id` beside `jobid`: creations do. */
  creates?: true;
  /** Does the work. Its value is the job's result. */
  finish(): Promise<Answer>;
  /** What the work leaves behind when it fails before it took effect. */
  abandon?(): void;
}

interface Job {
  id: string;
  command: string;
  account: Account;
  instanceType: string;
  instanceId: string;
  /** 0 pending, 1 done, 2 failed. */
  status: 0 | 1 | 2;
  resultCode: number;
  result: Answer | undefined;
  createdAt: number;
  endedAt: number | undefined;
}

export interface JobOptions {
  latencyMs: number;
  retentionMs: number;
}

/** The asynchronous jobs: accepted at once, done later, asked for by id, forgotten after a while. */
export class Jobs implements AsyncDisposable {
  readonly #jobs = new Map<string, Job>();
  readonly #faults: FaultPlan;
  readonly #options: JobOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();

  constructor(faults: FaultPlan, options: JobOptions) {
    this.#faults = faults;
    this.#options = options;
  }

  /** Accepts a job; its work begins after the latency. */
  submit(command: string, account: Account, started: StartedJob): string {
    const job: Job = {
      // Not from the seed: a job's id is never asked for again by name, and concurrent calls would race for it.
      id: randomUUID(),
      command,
      account,
      instanceType: started.instanceType,
      instanceId: started.instanceId,
      status: 0,
      resultCode: 0,
      result: undefined,
      createdAt: Date.now(),
      endedAt: undefined,
    };
    this.#jobs.set(job.id, job);
    const slowness = this.#faults.strikes('slow-job', command) ? this.#faults.faults.slowJobMs : 0;
    this.later(this.#options.latencyMs + slowness, async () => {
      await this.#work(job, started);
      if (this.#faults.strikes('job-expires', command)) this.#jobs.delete(job.id);
      else this.later(this.#options.retentionMs, async () => void this.#jobs.delete(job.id));
    });
    return job.id;
  }

  /** The job as `queryAsyncJobResult` tells it; undefined when unknown, forgotten or another account's. */
  query(id: string, account: Account): Answer | undefined {
    const job = this.#jobs.get(id);
    if (job === undefined || (job.account !== account && !account.admin)) return undefined;
    return tell(job);
  }

  /** The pending and kept jobs that an account may see, newest last. */
  list(account: Account): Answer[] {
    return [...this.#jobs.values()].filter((job) => job.account === account || account.admin).map(tell);
  }

  /** The pending job of an object, which list answers tell beside it. */
  pendingOf(instanceId: string): { jobid: string; jobstatus: 0 } | undefined {
    const job = [...this.#jobs.values()].find((one) => one.instanceId === instanceId && one.status === 0);
    return job === undefined ? undefined : { jobid: job.id, jobstatus: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await Promise.all(this.#running);
  }

  /** Does work after a while, unless the cloud ends before. */
  later(milliseconds: number, work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const running = work().finally(() => this.#running.delete(running));
      this.#running.add(running);
    }, milliseconds);
    timer.unref();
    this.#timers.add(timer);
  }

  async #work(job: Job, started: StartedJob): Promise<void> {
    try {
      if (this.#faults.strikes('job-fails', job.command)) {
        started.abandon?.();
        throw new ApiError('internal', `Failed to ${words(job.command)} due to an internal error`);
      }
      const result = await started.finish();
      if (this.#faults.strikes('job-fails-after-effect', job.command)) {
        throw new ApiError('internal', `Unable to ${words(job.command)}: the answer of the host timed out`);
      }
      job.result = result;
      job.status = 1;
    } catch (error) {
      // As ApiAsyncJobDispatcher does: the job's code is always 530, and so is the error's unless the work named one itself.
      job.status = 2;
      job.resultCode = apiErrorCodes.internal;
      job.result = {
        errorcode: error instanceof ApiError ? inJob(error) : apiErrorCodes.internal,
        errortext: error instanceof Error ? error.message : String(error),
      };
    }
    job.endedAt = Date.now();
  }
}

/** Bad parameters and missing permissions found by the work itself, not at its acceptance, surface as internal errors. */
function inJob(error: ApiError): number {
  const hidden: number[] = [apiErrorCodes.parameter, apiErrorCodes.account];
  return hidden.includes(error.code) ? apiErrorCodes.internal : error.code;
}

function words(command: string): string {
  return command.replace(/[A-Z]+/g, (capitals) => ` ${capitals.toLowerCase()}`);
}

function tell(job: Job): Answer {
  return {
    accountid: job.account.id,
    userid: job.account.userId,
    cmd: `org.apache.cloudstack.api.command.${job.account.admin ? 'admin' : 'user'}.${job.command}Cmd`,
    jobstatus: job.status,
    jobprocstatus: 0,
    jobresultcode: job.resultCode,
    ...(job.result !== undefined && { jobresulttype: 'object', jobresult: job.result }),
    jobinstancetype: job.instanceType,
    jobinstanceid: job.instanceId,
    created: cloudTime(job.createdAt),
    ...(job.endedAt !== undefined && { completed: cloudTime(job.endedAt) }),
    jobid: job.id,
  };
}
