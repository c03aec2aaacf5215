import { type Failover, isOsseaError, momentText, OsseaError } from '../../contract/index.ts';
import { activeStates } from '../../store/jobs.ts';
import { tellWorkload, type WorkflowParts } from '../parts.ts';
import type { Duty } from '../scheduler.ts';
import { findSourceVm } from '../sourceVm.ts';
import { changeFailover } from './failoverRecord.ts';
import { fenceOf, fenceSource } from './fence.ts';
import type { LiveFailovers } from './liveFailovers.ts';
import { expire, isDue, liveRequestOf } from './startWindow.ts';

/** Who is named as the one who commits what nobody decided about. */
const timer = 'commit timer';
/** How often a source that was lost is looked for. Milliseconds. */
const fenceEveryMs = 60_000;
/** After a commit that failed, the next attempt. Milliseconds. */
const retryMs = 15 * 60_000;

/** What happens to live failovers at its time: they begin, expire, are committed or call for a person, and sources that come back are fenced. */
export function liveDuty(parts: WorkflowParts, live: LiveFailovers): Duty {
  const lastTry = new Map<string, number>();
  /** True when so much time has passed since the last time that it was. */
  const isTime = (key: string, now: Date, everyMs: number): boolean => {
    if (now.getTime() - (lastTry.get(key) ?? Number.NEGATIVE_INFINITY) < everyMs) return false;
    lastTry.set(key, now.getTime());
    return true;
  };
  const working = new Set<string>();
  /** Begins what asks a cloud or a vCenter, which may not answer for minutes: nobody else's time may wait for that. Once at a time. */
  const beside = (key: string, work: () => Promise<void>): void => {
    if (working.has(key)) return;
    working.add(key);
    void work()
      .catch((error: unknown) => {
        parts.logger.warn({ what: key, detail: String(error) }, 'it is tried again later');
      })
      .finally(() => working.delete(key));
  };
  return {
    name: 'live failovers',
    tend: async (now) => {
      for (const failover of await parts.store.failovers.listOpen({ kind: 'live' })) {
        const { id, state } = failover;
        if (state === 'scheduled') await tendScheduled(parts, live, failover, now);
        if (state !== 'active') continue;
        const commit = `commit ${id}`;
        const commitLater = () => {
          if (isTime(commit, now, retryMs)) beside(commit, () => commitByTimer(parts, live, failover));
        };
        await tendCommit(parts, failover, now, commitLater);
        const fence = `fence ${id}`;
        if (isUnfenced(failover) && isTime(fence, now, fenceEveryMs)) {
          beside(fence, () => fenceReturned(parts, failover));
        }
      }
    },
  };
}

async function tendScheduled(
  parts: WorkflowParts,
  live: LiveFailovers,
  failover: Failover,
  now: Date,
): Promise<void> {
  const request = liveRequestOf(failover);
  // A job that waits for its turn looks at the window itself.
  if (await hasActiveJob(parts, failover)) return;
  if (request.startBefore !== undefined && Date.parse(request.startBefore) <= now.getTime()) {
    const problem = await expire(parts, failover);
    await parts.store.workloads.update(failover.workloadId, { attention: problem });
    await tellWorkload(parts, failover.workloadId);
  } else if (isDue(request, now)) await live.begin(failover);
}

async function tendCommit(
  parts: WorkflowParts,
  failover: Failover,
  now: Date,
  commitLater: () => void,
): Promise<void> {
  const { id, commitBy, proof, problem, workloadId, workloadName } = failover;
  if (commitBy === undefined || Date.parse(commitBy) > now.getTime()) return;
  if (await hasActiveJob(parts, failover)) return;
  if (problem?.code === 'failover.undecided') return;
  if (liveRequestOf(failover).onCommitTimeout === 'commit' && proof?.passed) return commitLater();
  const undecided = new OsseaError(
    'failover.undecided',
    `The time to decide about the failover of ${workloadName} ended at ${momentText(commitBy)}${proof?.passed ? '' : ', and its VM has not shown that it came up'}.`,
    { remedy: 'Commit it, roll it back, or give it more time.' },
  ).toProblem();
  await changeFailover(parts, id, { problem: undecided });
  await parts.store.workloads.update(workloadId, { attention: undecided });
  await tellWorkload(parts, workloadId);
}

async function commitByTimer(parts: WorkflowParts, live: LiveFailovers, failover: Failover): Promise<void> {
  const { id, workloadName: workload, commitBy } = failover;
  parts.logger.info({ failover: id, workload, commitBy }, 'a failover is committed by its timer');
  await live.commit(failover, { dryRun: false, acceptFailedProof: false }, timer, true);
  // The report names who did it.
  await parts.store.audit.append({ actor: timer, action: 'commitFailover', subject: id, outcome: 'ok' });
}

async function hasActiveJob({ store }: WorkflowParts, { jobId }: Failover): Promise<boolean> {
  const job = jobId === undefined ? undefined : await store.jobs.get(jobId);
  return job !== undefined && activeStates.some((state) => state === job.state);
}

function isUnfenced(failover: Failover): boolean {
  const { mode, fenceSource: wanted } = liveRequestOf(failover);
  return mode === 'unplanned' && wanted;
}

/** A source that comes back beside its target is fenced as soon as its vCenter can be asked; until then nothing can be done. */
async function fenceReturned(parts: WorkflowParts, failover: Failover): Promise<void> {
  const { store, credentials, logger } = parts;
  const { id, jobId, workloadId, workloadName } = failover;
  if ((await fenceOf(parts, id))?.state === 'done' || jobId === undefined) return;
  const workload = await store.workloads.require(workloadId);
  if (!credentials.get(workload.sourceId)) return;
  try {
    // One that does not answer for long is waited for before the fence has its turn: a rollback that comes meanwhile has nothing to take back.
    await findSourceVm(parts, workload);
    const isWanted = async () => (await store.failovers.require(id)).state === 'active';
    const signal = AbortSignal.timeout(fenceEveryMs);
    if (!(await fenceSource(parts, { jobId, failover, workload }, signal, isWanted))) return;
    logger.warn({ failover: id, workload: workloadName }, 'the source came back and was fenced');
  } catch (error) {
    if (!isOsseaError(error)) throw error;
    logger.debug({ failover: id, detail: error.message }, 'the source cannot be fenced yet');
  }
}
