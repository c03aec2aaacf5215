import type { AgentEvent, Job } from '../../appliance-agent/src/contract/index.ts';

/** Counts what runs and what has failed over all appliances, for the tray, the badge and the question at quitting. */
export class RunningJobs {
  readonly #running = new Set<string>();
  /** Ids of workloads whose last job failed, and of failed jobs that belong to none. */
  readonly #failed = new Set<string>();
  readonly #onChange: (running: number, failed: number) => void;

  constructor(onChange: (running: number, failed: number) => void) {
    this.#onChange = onChange;
  }

  get running(): number {
    return this.#running.size;
  }

  /** A failure counts until a job of the same workload has gone well, or the workload is gone. */
  get failed(): number {
    return this.#failed.size;
  }

  take(event: AgentEvent): void {
    const before = `${this.running} ${this.failed}`;
    if (event.kind === 'job') this.#takeJob(event.job);
    if (event.kind === 'workload-removed') this.#failed.delete(event.workloadId);
    if (before !== `${this.running} ${this.failed}`) this.#onChange(this.running, this.failed);
  }

  #takeJob({ id, state, workloadId = id }: Job): void {
    if (state === 'running' || state === 'queued' || state === 'waiting') this.#running.add(id);
    else this.#running.delete(id);
    if (state === 'failed') this.#failed.add(workloadId);
    if (state === 'succeeded') this.#failed.delete(workloadId);
  }
}
