import {
  type Failover,
  momentText,
  OsseaError,
  type Problem,
  type StartLiveFailover,
} from '../../contract/index.ts';
import { finishJob } from '../finishJob.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { changeFailover } from './failoverRecord.ts';
import { recall } from './liveMemory.ts';

/** A timer's longest time. Milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/** How long after its beginning a window ends that names no end. Milliseconds. */
const windowMs = 4 * 3_600_000;

/** The request with an end of its window: what was meant for the night must not begin in the morning because nothing could run before. */
export function withEnd(request: StartLiveFailover): StartLiveFailover {
  const { startAt, startBefore } = request;
  if (startAt === undefined || startBefore !== undefined) return request;
  return { ...request, startBefore: new Date(Date.parse(startAt) + windowMs).toISOString() };
}

/** Due now, as far as its window says. */
export function isDue({ startAt }: StartLiveFailover, now: Date): boolean {
  return startAt === undefined || Date.parse(startAt) <= now.getTime();
}

/** @throws OsseaError `request.invalid` for a window that is over, or that ends before it begins */
export function assertWindow({ startAt, startBefore }: StartLiveFailover, now: Date): void {
  if (startBefore === undefined) return;
  const end = Date.parse(startBefore);
  if (end > now.getTime() && (startAt === undefined || Date.parse(startAt) < end)) return;
  throw new OsseaError('request.invalid', `The failover could never begin before ${startBefore}.`, {
    field: 'startBefore',
    value: startBefore,
    remedy: 'Choose an end of the window that lies ahead, and behind its beginning.',
  });
}

/**
 * Waits until the endpoints have credentials, but not beyond the window of a failover that has not begun: lent in the morning, they would begin what
 * was meant for the night.
 * @throws OsseaError `failover.expired`
 */
export async function haveCredentialsInWindow(
  parts: WorkflowParts,
  run: JobRun,
  endpoints: readonly { readonly id: string; readonly name: string }[],
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  const { startBefore } = liveRequestOf(failover);
  if (startBefore === undefined || (await hasBegun(parts, failover))) {
    return haveCredentials(parts, run, endpoints, signal);
  }
  for (let waiting = true; waiting; ) {
    await assertInWindow(parts, failover);
    const leftMs = Math.max(1, Date.parse(startBefore) - Date.now());
    const end = AbortSignal.timeout(Math.min(leftMs, longestTimerMs));
    try {
      await haveCredentials(parts, run, endpoints, AbortSignal.any([signal, end]));
      waiting = false;
    } catch (error) {
      if (signal.aborted || !end.aborted) throw error;
      await run.waiting(undefined);
    }
  }
  await assertInWindow(parts, failover);
}

/**
 * Nothing is done to a source after its window, also where the rounds took longer or the agent was not running meanwhile; what has begun goes on.
 * @throws OsseaError `failover.expired`
 */
export async function assertInWindow(parts: WorkflowParts, failover: Failover): Promise<void> {
  const { startBefore } = liveRequestOf(failover);
  if (startBefore === undefined || Date.parse(startBefore) > Date.now()) return;
  if (!(await hasBegun(parts, failover))) throw expired(failover);
}

/** The guest was asked to shut down, or an unplanned one has taken its point: the downtime runs. */
async function hasBegun(parts: WorkflowParts, { id }: Failover): Promise<boolean> {
  if ((await parts.store.failovers.require(id)).downtime) return true;
  return (await recall(parts, id)).final !== undefined;
}

/** A job that waited for its turn beyond the window does nothing. */
export async function expireIfLate(parts: WorkflowParts, run: JobRun, failover: Failover): Promise<boolean> {
  const { startBefore } = liveRequestOf(failover);
  if (failover.state !== 'scheduled' || startBefore === undefined || Date.parse(startBefore) > Date.now()) {
    return false;
  }
  const problem = await expire(parts, failover);
  await finishJob(parts, run, failover.workloadId, problem);
  return true;
}

/** Ends a failover whose window has passed before it began; nothing was done. */
export async function expire(parts: WorkflowParts, failover: Failover): Promise<Problem> {
  const problem = expired(failover).toProblem();
  await changeFailover(parts, failover.id, {
    state: 'expired',
    problem,
    endedAt: new Date().toISOString(),
  });
  return problem;
}

function expired(failover: Failover): OsseaError {
  const { startBefore } = liveRequestOf(failover);
  const end = startBefore === undefined ? 'its window ended' : momentText(startBefore);
  return new OsseaError(
    'failover.expired',
    `The failover of ${failover.workloadName} could not begin before ${end}; the source was not touched.`,
    { remedy: 'Start it again with another window.' },
  );
}

export function liveRequestOf({ request, workloadName }: Failover): StartLiveFailover {
  if (request.kind === 'live') return request;
  throw new TypeError(`The failover of ${workloadName} is a test`);
}
