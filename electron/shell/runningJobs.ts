import type { Job } from '../../appliance-agent/src/contract/index.ts';

/** Counts what runs over all appliances, for the tray, the badge and the question at quitting. */
export class RunningJobs {
  readonly #states = new Map<string, Job['state']>();
  readonly #onChange: (running: number, attention: number) => void;

  constructor(onChange: (running: number, attention: number) => void) {
    this.#onChange = onChange;
  }

  get running(): number {
    return this.#count('running', 'queued', 'waiting');
  }

  get failed(): number {
    return this.#count('failed');
  }

  take(job: Job): void {
    if (this.#states.get(job.id) === job.state) return;
    if (job.state === 'succeeded' || job.state === 'cancelled') this.#states.delete(job.id);
    else this.#states.set(job.id, job.state);
    this.#onChange(this.running, this.failed);
  }

  #count(...states: Job['state'][]): number {
    let count = 0;
    for (const state of this.#states.values()) if (states.includes(state)) count++;
    return count;
  }
}
