import { type Failover, isOsseaError, OsseaError, type Problem } from '../../contract/index.ts';
import { finishJob } from '../finishJob.ts';
import { cancelError, type JobRun } from '../jobRun.ts';
import { tellWorkload, type WorkflowParts } from '../parts.ts';
import { changeFailover } from './failoverRecord.ts';
import { unfenceSource } from './fence.ts';
import { remember } from './liveMemory.ts';
import { releaseSource } from './liveRemains.ts';
import { removeLedgered } from './remains.ts';
import { restoreReplica } from './replicaProtection.ts';
import { restoreSourcePower } from './shutdownSource.ts';
import { removeTargetVm } from './targetVm.ts';

export interface Undoing {
  readonly failoverId: string;
  /** Whether the source is powered on again where the failover had shut it down. */
  readonly powerOnSource: boolean;
  /** `rolled-back`: of a target that ran. `cleaned`: of a failover that did not get so far. */
  readonly outcome: 'rolled-back' | 'cleaned';
}

/**
 * Brings everything back to where it was before a live failover, from wherever that or an earlier undoing has got to: the target's VM goes and its volumes
 * stay, the replica shows its point again, the source is as it was. Replication goes on incrementally. May be repeated.
 */
export async function undoLive(parts: WorkflowParts, run: JobRun, undoing: Undoing): Promise<void> {
  const { store } = parts;
  const { failoverId, powerOnSource, outcome } = undoing;
  const before = await store.failovers.require(failoverId);
  // A process that ended after its last step finds the end recorded.
  const failover =
    before.state === outcome
      ? before
      : await changeFailover(parts, failoverId, {
          state: outcome === 'rolled-back' ? 'rolling-back' : 'cleaning',
          jobId: run.jobId,
          problem: undefined,
        });
  const { workloadId } = failover;
  let failure: Problem | undefined;
  try {
    const step = (name: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<null> =>
      run.step(name, async (signal) => {
        await work(signal);
        return null;
      });
    // The target stops before the source starts: they must never run at a time.
    await step('vm', (signal) => removeTargetVm(parts, run, failover, { keepVolumes: true }, signal));
    const { lostChunks } = await run.step('revert', (signal) => restoreReplica(parts, run, failover, signal));
    await step('unfence', (signal) => unfenceSource(parts, run, failover, signal));
    await step('power', (signal) => restoreSourcePower(parts, run, failover, powerOnSource, signal));
    await step('snapshots', async (signal) => {
      await removeLedgered(parts, run, failover, 'volume-snapshot', signal);
      await releaseSource(parts, run, failover, signal).catch((error: unknown) => {
        // The next replication removes it first; the workload is itself again without that.
        if (signal.aborted || !isOsseaError(error)) throw error;
        run.logger.warn(
          { code: error.code, detail: error.message },
          'a snapshot of the source stays for now',
        );
      });
    });
    await run.step('end', async () => {
      await store.workloads.update(workloadId, {
        state: await stateBefore(parts, workloadId),
        attention: lostChunks > 0 ? mustReplicate(failover, lostChunks) : null,
      });
      await remember(parts, failoverId, { startedAt: null });
      const endedAt = new Date().toISOString();
      const { downtime } = failover;
      await changeFailover(parts, failoverId, {
        state: outcome,
        endedAt,
        question: undefined,
        commitBy: undefined,
        ...(downtime && downtime.endedAt === undefined && { downtime: { ...downtime, endedAt } }),
      });
      await tellWorkload(parts, workloadId);
      return null;
    });
  } catch (error) {
    failure = run.cancelled ? stopped(failover) : run.problemOf(error);
    await changeFailover(parts, failoverId, { problem: failure });
  }
  // What the next replication has to mend is not over with this job.
  await finishJob(parts, run, failure ? workloadId : undefined, failure);
  await tellWorkload(parts, workloadId);
}

/** What a workload is when its live failover is undone. */
async function stateBefore({ store }: WorkflowParts, workloadId: string) {
  const { replicatedUntil } = await store.workloads.require(workloadId);
  const tests = await store.failovers.listOpen({ workloadId, kind: 'test' });
  if (tests.some(({ state }) => state === 'active')) return 'testing';
  return replicatedUntil === undefined ? 'managed' : 'protected';
}

function mustReplicate({ workloadName }: Failover, lostChunks: number): Problem {
  return new OsseaError(
    'verify.mismatch',
    `The storage could not bring the replica of ${workloadName} back by its snapshots; ${lostChunks} chunks have to be copied again.`,
    { remedy: 'Replicate it: what differs is known, and that alone is written.' },
  ).toProblem();
}

function stopped({ workloadName }: Failover): Problem {
  return {
    ...cancelError().toProblem(),
    detail: `The undoing of the failover of ${workloadName} was cancelled.`,
    remedy: 'Start it again: it goes on with what is left.',
  };
}
