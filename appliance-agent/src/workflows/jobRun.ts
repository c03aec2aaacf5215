import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { RateLimiter } from '../blockcopy/throttle.ts';
import {
  type DiskProgress,
  isOsseaError,
  type Job,
  type JobState,
  OsseaError,
  type Problem,
  toProblem,
  type WaitReason,
} from '../contract/index.ts';
import type { Store } from '../store/store.ts';
import { durably } from './durable.ts';
import type { CredentialSource } from './engine.ts';
import type { EventHub } from './eventHub.ts';

/** Why a run ends before its work does. */
class Stop extends Error {
  readonly kind: 'cancel' | 'shutdown';

  constructor(kind: 'cancel' | 'shutdown') {
    super(kind === 'cancel' ? 'The job was cancelled.' : 'The agent is shutting down.');
    this.kind = kind;
  }
}

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export interface StepOptions {
  /** Goes on after a cancel, because it undoes what the job made. */
  readonly undo?: boolean;
  /** The step of the list that this one is a part of; it is shown as running until `endStep`. Default: itself. */
  readonly within?: string | undefined;
  /** What is done now, shown beside the step. */
  readonly title?: string | undefined;
}

const sampleIntervalMs = 500;
const keepIntervalMs = 2_000;
/** How long a step goes on trying against transient errors. Milliseconds. */
const patienceMs = 15 * 60_000;
/** How long what a job made is tried to be undone after somebody cancelled it: what is left is in the ledger, and others may wait. Milliseconds. */
const cancelledPatienceMs = 20_000;

export interface JobRunParts {
  readonly store: Store;
  readonly hub: EventHub;
  readonly logger: Logger;
  readonly credentials: Pick<CredentialSource, 'redact'>;
}

/** One job in this process: its cancellation, its steps, what it waits for, and the progress of its disks. */
export class JobRun {
  readonly jobId: string;
  readonly limiter = new RateLimiter();
  readonly logger: Logger;
  readonly #store: Store;
  readonly #hub: EventHub;
  readonly #stop = new AbortController();
  readonly #shutdown = new AbortController();
  readonly #progress = new Map<number, DiskProgress>();
  readonly #redact: (text: string) => string;
  readonly #sampler: NodeJS.Timeout;
  readonly #working = new Set<Promise<unknown>>();
  #keptAt = Number.NEGATIVE_INFINITY;
  #dirty = false;
  #pauseMessage = '';

  constructor(jobId: string, { store, hub, logger, credentials }: JobRunParts) {
    this.jobId = jobId;
    this.#redact = (text) => credentials.redact(text);
    this.#store = store;
    this.#hub = hub;
    this.logger = logger.child({ job: jobId });
    this.#sampler = globalThis.setInterval(() => this.#sample(), sampleIntervalMs);
    this.#sampler.unref();
  }

  /** Aborts when the job is cancelled or the agent shuts down. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborts only when the agent shuts down: what has to be undone after a cancel goes on. */
  get shutdownSignal(): AbortSignal {
    return this.#shutdown.signal;
  }

  get cancelled(): boolean {
    return this.#stop.signal.reason instanceof Stop && this.#stop.signal.reason.kind === 'cancel';
  }

  cancel(): void {
    this.#stop.abort(new Stop('cancel'));
  }

  /** Ends the work in this process; the job goes on in the next one. */
  shutdown(): void {
    this.#stop.abort(new Stop('shutdown'));
    this.#shutdown.abort(new Stop('shutdown'));
  }

  /**
   * Does a step of the job once, over restarts. Its transient errors are waited out; what it throws in the end fails the job.
   * When the agent shuts down in between, it never settles: nothing must be remembered as its outcome.
   */
  async step<T>(
    name: string,
    work: (signal: AbortSignal) => Promise<T>,
    options: StepOptions = {},
  ): Promise<T> {
    const signal = options.undo ? this.shutdownSignal : this.signal;
    const { within } = options;
    const shown = within ?? name;
    // Remembered as data: an error that is thrown loses its type in the database.
    const outcome = await durably<Outcome<T>>(name, async () => {
      try {
        signal.throwIfAborted();
        await this.#store.jobs.updateStep(this.jobId, shown, {
          state: 'running',
          ...(options.title !== undefined && { message: options.title }),
        });
        await this.tell();
        const value = await this.#track(this.#patiently(() => work(signal), signal));
        await this.#keepProgress();
        if (within === undefined) {
          await this.#store.jobs.updateStep(this.jobId, shown, { state: 'done', message: null });
          await this.tell();
        }
        return { ok: true, value };
      } catch (error) {
        if (this.#shutdown.signal.aborted) return new Promise<never>(() => undefined);
        const cancelled = this.cancelled && !options.undo;
        const problem = cancelled ? cancelError().toProblem() : this.problemOf(error);
        if (problem.code === 'agent.internal') this.logger.error({ err: error, step: name }, 'a step failed');
        await this.#keepProgress();
        const state = cancelled ? 'skipped' : 'failed';
        await this.#store.jobs.updateStep(this.jobId, shown, { state, message: problem.detail });
        return { ok: false, problem };
      }
    });
    if (outcome.ok) return outcome.value;
    throw OsseaError.fromProblem(outcome.problem);
  }

  /** Ends a step that others were done within, or that there was nothing to do for. */
  async endStep(name: string, state: 'done' | 'skipped', message?: string): Promise<void> {
    await this.#store.jobs.updateStep(this.jobId, name, { state, message: message ?? null });
    await this.tell();
  }

  /** What was thrown, as it may be stored and told. */
  problemOf(error: unknown): Problem {
    const { detail, remedy, value, ...rest } = toProblem(error);
    return {
      ...rest,
      detail: this.#redact(detail),
      ...(remedy !== undefined && { remedy: this.#redact(remedy) }),
      ...(value !== undefined && { value: this.#redact(value) }),
    };
  }

  /** Says what the job waits for, or that it goes on; one that is paused does not. */
  async waiting(reason: WaitReason | undefined, message?: string): Promise<void> {
    if (reason !== undefined) {
      await this.change({ state: 'waiting', waitReason: reason, message: message ?? null });
    } else if (this.limiter.held) {
      await this.change({ state: 'waiting', waitReason: 'paused', message: this.#pauseMessage });
    } else {
      await this.change({ state: 'running', waitReason: null, message: null });
    }
  }

  async change(change: {
    readonly state?: JobState;
    readonly waitReason?: WaitReason | null;
    readonly message?: string | null;
    readonly problem?: Problem | null;
  }): Promise<void> {
    await this.#store.jobs.update(this.jobId, change);
    await this.tell();
  }

  /** Holds or releases the copy, at its next chunk. @param actor undefined: it was paused before this process */
  async pause(paused: boolean, actor?: string): Promise<void> {
    this.limiter.held = paused;
    const who = actor === undefined ? 'It is paused.' : `${actor} paused it.`;
    this.#pauseMessage = `${who} The snapshot grows meanwhile by what the guest writes.`;
    await this.waiting(undefined);
  }

  /** Takes a disk's counters in. */
  report(progress: DiskProgress): void {
    this.#progress.set(progress.key, progress);
    this.#dirty = true;
  }

  progressOf(key: number): DiskProgress | undefined {
    return this.#progress.get(key);
  }

  /** Tells the job as it stands now. */
  async tell(): Promise<Job | undefined> {
    const job = await this.#store.jobs.get(this.jobId);
    if (job) await this.#hub.publish({ kind: 'job', at: new Date().toISOString(), job });
    return job;
  }

  /** Resolves when no step works any more: after `shutdown`, when what was under way has let go of everything. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#working);
  }

  /** Keeps the last counters and ends the sampling. */
  async close(): Promise<void> {
    clearInterval(this.#sampler);
    await this.#keepProgress();
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#working.add(work);
    try {
      return await work;
    } finally {
      this.#working.delete(work);
    }
  }

  /** Tries again what may go better next time, and says that it waits for it. */
  async #patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const startedAt = performance.now();
    for (let attempt = 1; ; attempt++) {
      // Only what is undone goes on after a cancel, and a cancel ends its pause.
      const cancelled = this.cancelled;
      const pause = cancelled ? signal : AbortSignal.any([signal, this.#stop.signal]);
      try {
        return await work();
      } catch (error) {
        const late = performance.now() - startedAt > (cancelled ? cancelledPatienceMs : patienceMs);
        if (signal.aborted || !isOsseaError(error) || !error.retryable || late) throw error;
        const seconds = Math.min(30, 2 ** Math.min(attempt - 1, 5));
        this.logger.warn({ code: error.code, detail: error.message, seconds }, 'a step is tried again');
        await this.waiting('retry', `${this.#redact(error.message)} It is tried again in ${seconds} s.`);
        await setTimeout(seconds * 1000, undefined, { signal: pause }).catch(() => signal.throwIfAborted());
        await this.waiting(undefined);
      }
    }
  }

  #sample(): void {
    if (!this.#dirty || this.#progress.size === 0) return;
    this.#dirty = false;
    const disks = [...this.#progress.values()];
    const bytesPerSecond = disks.reduce((sum, disk) => sum + disk.bytesPerSecond, 0);
    const left = disks.reduce((sum, disk) => sum + Math.max(0, disk.plannedBytes - disk.doneBytes), 0);
    this.#hub.sample({
      kind: 'progress',
      at: new Date().toISOString(),
      jobId: this.jobId,
      disks,
      bytesPerSecond,
      ...(bytesPerSecond > 0 && { etaSeconds: left / bytesPerSecond }),
    });
    if (performance.now() - this.#keptAt < keepIntervalMs) return;
    // The next one tries again.
    this.#keepProgress().catch(() => undefined);
  }

  async #keepProgress(): Promise<void> {
    this.#keptAt = performance.now();
    if (this.#progress.size > 0) await this.#store.jobs.putProgress(this.jobId, [...this.#progress.values()]);
  }
}

export function cancelError(): OsseaError {
  return new OsseaError('job.cancelled', 'The job was cancelled.', {
    remedy: 'Start it again when you want: it goes on from what was copied.',
  });
}
