import { setTimeout as pause } from 'node:timers/promises';
import type { createLogUpdate } from 'log-update';
import { type AgentEvent, isOsseaError, type Job } from '../contract/index.ts';
import type { AgentClient } from './agentClient.ts';
import { progressLine, progressLines } from './jobView.ts';
import type { Output } from './output.ts';

/** Pauses between attempts to find the agent again, milliseconds. */
const reconnectPause = 1000;

/** Attempts to find the agent again before a watch gives up. */
const reconnectAttempts = 30;

export function hasEnded(job: Job): boolean {
  return job.state === 'succeeded' || job.state === 'failed' || job.state === 'cancelled';
}

/** The job with a sample's counters put in. */
export function applySample(job: Job, event: Extract<AgentEvent, { kind: 'progress' }>): Job {
  const sum = (pick: (disk: Job['disks'][number]) => number) =>
    event.disks.reduce((total, disk) => total + pick(disk), 0);
  return {
    ...job,
    disks: event.disks,
    plannedBytes: sum((disk) => disk.plannedBytes),
    doneBytes: sum((disk) => disk.doneBytes),
    bytesPerSecond: event.bytesPerSecond,
    etaSeconds: event.etaSeconds,
  };
}

/** Shows jobs as they change: redrawn on a terminal, else a line for each change of state or full percent. */
export class JobDisplay {
  readonly #output: Output;
  readonly #redraw: ReturnType<typeof createLogUpdate> | undefined;
  readonly #shown = new Map<string, string>();

  private constructor(output: Output, redraw: ReturnType<typeof createLogUpdate> | undefined) {
    this.#output = output;
    this.#redraw = redraw;
  }

  /** The package that redraws is loaded only where there is a terminal. */
  static async open(output: Output): Promise<JobDisplay> {
    const { terminal } = output;
    return new JobDisplay(output, terminal && (await import('log-update')).createLogUpdate(terminal));
  }

  show(jobs: readonly Job[], changed: Job | undefined): void {
    const terminal = this.#output.terminal;
    if (this.#redraw && terminal) {
      const lines = jobs.flatMap((job) => progressLines(job, terminal.columns));
      this.#redraw((lines.length > 0 ? lines : ['No job is running.']).join('\n'));
      return;
    }
    for (const job of changed ? [changed] : jobs) {
      const percent =
        job.plannedBytes > 0 ? Math.min(100, Math.floor((100 * job.doneBytes) / job.plannedBytes)) : 0;
      const key = this.#output.json
        ? JSON.stringify([job.state, job.waitReason, job.message, job.doneBytes])
        : JSON.stringify([job.state, job.waitReason, job.message, Math.floor(percent / 5)]);
      if (this.#shown.get(job.id) === key) continue;
      this.#shown.set(job.id, key);
      this.#output.line(job, progressLine(job));
    }
  }

  /** Leaves the last picture on the terminal. */
  done(): void {
    this.#redraw?.done();
  }
}

export interface FollowOptions {
  readonly client: AgentClient;
  readonly signal: AbortSignal;
  /** Which jobs are looked at, from the answer of `listJobs`. */
  readonly select: (job: Job) => boolean;
  readonly onChange: (jobs: readonly Job[], changed: Job | undefined) => void;
  /** Ends the following when it answers true. */
  readonly until: (jobs: readonly Job[]) => boolean;
}

/**
 * Follows jobs by the event stream until `until` holds or the signal aborts, and returns them as they stand. Looks at their
 * state after the stream is open, so that nothing falls between; finds a restarted agent again.
 */
export async function followJobs(options: FollowOptions): Promise<Job[]> {
  const jobs = new Map<string, Job>();
  for (let attempt = 0; ; attempt += 1) {
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, stop.signal]);
    try {
      const opened = Promise.withResolvers<void>();
      const refresh = opened.promise.then(async () => {
        const { items } = await options.client.call('listJobs', { query: { limit: 1000 } }, signal);
        for (const job of items.filter(options.select)) jobs.set(job.id, job);
        options.onChange([...jobs.values()], undefined);
        if (options.until([...jobs.values()])) stop.abort();
      });
      refresh.catch(() => stop.abort());
      for await (const event of options.client.events(signal, () => opened.resolve())) {
        attempt = 0;
        const changed = changedJob(event, jobs, options.select);
        if (!changed) continue;
        jobs.set(changed.id, changed);
        options.onChange([...jobs.values()], changed);
        if (options.until([...jobs.values()])) break;
      }
      await refresh;
    } catch (error) {
      const mayComeBack = isOsseaError(error, 'agent.unreachable') && attempt < reconnectAttempts;
      if (!options.signal.aborted && !mayComeBack) throw error;
    }
    if (options.signal.aborted || options.until([...jobs.values()])) return [...jobs.values()];
    await pause(reconnectPause, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

function changedJob(
  event: AgentEvent,
  jobs: ReadonlyMap<string, Job>,
  select: (job: Job) => boolean,
): Job | undefined {
  if (event.kind === 'job') return select(event.job) ? event.job : undefined;
  if (event.kind !== 'progress') return undefined;
  const job = jobs.get(event.jobId);
  return job && !hasEnded(job) ? applySample(job, event) : undefined;
}
