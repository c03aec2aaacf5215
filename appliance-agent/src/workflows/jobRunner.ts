import { setTimeout } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { StartReplicate, StartVerify } from '../contract/index.ts';
import { type JobFacts, laneOf } from '../store/jobs.ts';
import type { JobLane } from '../store/schema.ts';
import { cleanup } from './cleanup.ts';
import { durableStatus, launchDurable, shutdownDurable, startDurable } from './durable.ts';
import { performFailover } from './failover/performFailover.ts';
import { assertReplica } from './failover/replicaGuard.ts';
import { finishJob } from './finishJob.ts';
import { JobRun } from './jobRun.ts';
import type { WorkflowParts } from './parts.ts';
import { replicate } from './replicate.ts';
import { verifyReplica } from './verifyReplica.ts';

/** How often active jobs are compared with what runs here. Milliseconds. */
const watchIntervalMs = 1_000;

/**
 * Runs jobs, as many at a time as the limits allow, and takes up those that a previous process left. The job in the database is the
 * truth: a workflow that ended without having ended its job, as when the database was away, is started again.
 */
export class JobRunner {
  readonly #parts: WorkflowParts;
  readonly #runs = new Map<string, JobRun>();
  /** A test waits for replications, so it must not hold the place that one of them needs. */
  readonly #places: Readonly<Record<JobLane, LimitFunction>>;
  readonly #stop = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  constructor(parts: WorkflowParts) {
    this.#parts = parts;
    const { concurrentJobs } = parts.limits();
    this.#places = { replica: pLimit(concurrentJobs), test: pLimit(concurrentJobs) };
  }

  async launch(): Promise<void> {
    const { store, logger } = this.#parts;
    await launchDurable({ databaseUrl: store.connectionUrl, logger, work: (jobId) => this.#work(jobId) });
    this.#watching = this.#watch();
  }

  /** Jobs reach a point from which the next process goes on. */
  async shutdown(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    const runs = [...this.#runs.values()];
    for (const run of runs) run.shutdown();
    await Promise.allSettled(runs.map((run) => run.settled()));
    await Promise.allSettled(runs.map((run) => run.close()));
    await shutdownDurable();
  }

  /** Starts a job that is written down. */
  async start(jobId: string): Promise<void> {
    await startDurable(jobId, 1);
  }

  /** Ends a job within a second, wherever it is; what it made outside is undone. */
  cancel(jobId: string): void {
    this.#runs.get(jobId)?.cancel();
  }

  /** The run of a job in this process. */
  runOf(jobId: string): JobRun | undefined {
    return this.#runs.get(jobId);
  }

  /** Takes changed limits up. */
  applyLimits(): void {
    const { limits, limiter } = this.#parts;
    for (const places of Object.values(this.#places)) places.concurrency = limits().concurrentJobs;
    limiter.setRate(limits().bandwidthLimit);
  }

  async #work(jobId: string): Promise<void> {
    const { store } = this.#parts;
    const facts = await store.jobs.facts(jobId);
    // A job that has ended needs nothing more; two workflows of one job at a time must not be.
    if (!facts || ended(facts) || this.#runs.has(jobId)) return;
    const run = new JobRun(jobId, this.#parts);
    this.#runs.set(jobId, run);
    if (facts.cancelRequested) run.cancel();
    try {
      await this.#inTurn(run, facts, () => this.#perform(facts, run));
    } finally {
      await run.close();
      this.#runs.delete(jobId);
    }
  }

  /** Waits for a place among the jobs that may run at a time, and says so. */
  async #inTurn(run: JobRun, facts: JobFacts, work: () => Promise<void>): Promise<void> {
    const places = this.#places[laneOf(facts.kind, facts.request)];
    if (places.activeCount >= places.concurrency) {
      await run.change({
        state: 'queued',
        waitReason: 'queue',
        message: `${places.concurrency} jobs run at a time; it waits for its turn.`,
      });
    }
    await places(async () => {
      await run.change({ state: 'running', waitReason: null, message: null });
      if (facts.paused) await run.pause(true);
      await work();
    });
  }

  async #perform(facts: JobFacts, run: JobRun): Promise<void> {
    const { workloadId, request } = facts;
    try {
      // A job may have been written down before the failover that stands now.
      if (workloadId !== undefined) await assertAllowed(this.#parts, facts.kind, workloadId);
      switch (facts.kind) {
        case 'replicate':
          if (workloadId === undefined) throw new TypeError('A replication needs a workload');
          return await replicate(this.#parts, run, workloadId, {
            ...StartReplicate.parse(request),
            heal: true,
          });
        case 'verify': {
          if (workloadId === undefined) throw new TypeError('A verification needs a workload');
          const { mode, heal } = StartVerify.parse(request);
          if (mode === 'readback') return await verifyReplica(this.#parts, run, workloadId);
          return await replicate(this.#parts, run, workloadId, { verify: 'source', heal, background: true });
        }
        case 'cleanup':
          return await cleanup(this.#parts, run, request);
        case 'test-failover':
        case 'live-failover':
        case 'commit':
        case 'rollback':
        case 'failover-cleanup':
          return await performFailover(this.#parts, facts, run);
      }
    } catch (error) {
      run.logger.error({ err: error }, 'a job failed outside of its steps');
      await finishJob(this.#parts, run, workloadId, run.problemOf(error));
    }
  }

  async #watch(): Promise<void> {
    const { store, logger } = this.#parts;
    const attempts = new Map<string, number>();
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await setTimeout(watchIntervalMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        for (const { id } of await store.jobs.listActive()) {
          if (this.#runs.has(id)) continue;
          const attempt = attempts.get(id) ?? 1;
          const status = await durableStatus(id, attempt);
          // Not started, or about to be.
          if (status === 'PENDING' || status === 'ENQUEUED') continue;
          const next = status === undefined ? attempt : attempt + 1;
          attempts.set(id, next);
          if (status !== undefined) logger.warn({ job: id, status, attempt: next }, 'a job is started again');
          if (!this.#runs.has(id)) await startDurable(id, next);
        }
      } catch (error) {
        logger.debug({ error: String(error) }, 'active jobs cannot be looked at now');
      }
    }
  }
}

/** @throws OsseaError `request.conflict` for a job that works on a replica where there is none any more */
async function assertAllowed(
  parts: WorkflowParts,
  kind: JobFacts['kind'],
  workloadId: string,
): Promise<void> {
  if (kind === 'replicate') await assertReplica(parts, workloadId, 'replicated');
  if (kind === 'verify') await assertReplica(parts, workloadId, 'verified');
}

function ended({ state }: JobFacts): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}
