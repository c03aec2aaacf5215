import { setTimeout } from 'node:timers/promises';
import {
  type Failover,
  isOsseaError,
  type Job,
  OsseaError,
  type RecoveryPoint,
  type StartReplicate,
  type Workload,
} from '../../contract/index.ts';
import type { JobRun } from '../jobRun.ts';
import { writeJob } from '../newJob.ts';
import type { WorkflowParts } from '../parts.ts';
import { replicateSteps } from '../replicate.ts';
import { ownerIdOf } from './ownerIds.ts';

/** How often the job that is waited for is looked at. Milliseconds. */
const pollMs = 300;

const ended: readonly Job['state'][] = ['succeeded', 'failed', 'cancelled'];

/** The point that a workload's replica shows; undefined before the first. */
export async function pointOf(
  { store }: WorkflowParts,
  { id, replicatedUntil }: Workload,
): Promise<RecoveryPoint | undefined> {
  if (replicatedUntil === undefined) return undefined;
  const [last] = await store.cycles.list(id, 1);
  return {
    at: replicatedUntil,
    consistency: last?.pointAt === replicatedUntil ? last.consistency : 'crash',
  };
}

/**
 * Brings the replica to a point that is newer than the failover, by a replication of its own beside the failover's job, or by one that others have
 * started meanwhile. May be repeated.
 * @param quiesced the guest's file systems are to be quiet at the point. Where the workload's settings say `auto` and the guest cannot
 * be made so, a crash-consistent point takes its place, and the job says so
 * @throws OsseaError what the replication failed with; `vsphere.quiesce-failed`
 */
export async function reachFreshPoint(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  quiesced: boolean,
  signal: AbortSignal,
): Promise<{ readonly remark: string | undefined }> {
  const { store } = parts;
  const { settings } = await store.workloads.require(failover.workloadId);
  try {
    await replicateFor(parts, run, failover, quiesced, signal);
    return { remark: undefined };
  } catch (error) {
    if (!quiesced || settings.quiesce !== 'auto' || !isOsseaError(error, 'vsphere.quiesce-failed'))
      throw error;
    run.logger.warn({ detail: error.message }, 'the guest was not quiet; a crash-consistent point is taken');
    await replicateFor(parts, run, failover, false, signal);
    return {
      remark: `The point is crash-consistent, as the guest could not be made quiet: ${error.message}`,
    };
  }
}

async function replicateFor(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  quiesced: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { store } = parts;
  const id = ownerIdOf(failover.id, 'job', quiesced ? 'quiesced' : 'fresh');
  for (;;) {
    if (await isReached(parts, failover, quiesced)) return;
    const own = await store.jobs.get(id);
    if (own && ended.includes(own.state)) throw failureOf(own);
    const { currentJobId } = await store.workloads.require(failover.workloadId);
    if (currentJobId === undefined) {
      await begin(parts, failover, id, quiesced);
    } else {
      await waitForJob(parts, run, currentJobId, signal);
    }
  }
}

async function isReached(parts: WorkflowParts, failover: Failover, quiesced: boolean): Promise<boolean> {
  const workload = await parts.store.workloads.require(failover.workloadId);
  const point = await pointOf(parts, workload);
  if (!point || point.at < failover.createdAt) return false;
  return !quiesced || point.consistency !== 'crash';
}

async function begin(parts: WorkflowParts, failover: Failover, id: string, quiesced: boolean): Promise<void> {
  const request: StartReplicate = quiesced ? { quiesce: true } : {};
  try {
    await writeJob(parts, {
      id,
      kind: 'replicate',
      workloadId: failover.workloadId,
      request,
      steps: replicateSteps,
      createdBy: failover.createdBy,
    });
  } catch (error) {
    // Another one was faster; it is waited for.
    if (!isOsseaError(error, 'job.running')) throw error;
  }
}

async function waitForJob(
  { store }: WorkflowParts,
  run: JobRun,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  let told: string | undefined;
  for (;;) {
    const job = await store.jobs.get(id);
    if (!job || ended.includes(job.state)) break;
    const message = progressOf(job);
    if (message !== told) await run.waiting('replica', message);
    told = message;
    await setTimeout(pollMs, undefined, { signal });
  }
  await run.waiting(undefined);
}

function progressOf(job: Job): string {
  const share = job.plannedBytes > 0 ? `, ${Math.floor((100 * job.doneBytes) / job.plannedBytes)} %` : '';
  const what = job.state === 'waiting' && job.message !== undefined ? `: ${job.message}` : share;
  return `The ${job.kind} job of the workload is waited for${what}`;
}

function failureOf({ problem, state, id }: Job): OsseaError {
  if (problem) return OsseaError.fromProblem({ ...problem, retryable: false });
  return new OsseaError('failover.not-ready', `The replication ${id} for the fresh point was ${state}.`, {
    remedy: 'Start the failover again, or use the latest point.',
  });
}
