import {
  type Failover,
  type FailoverState,
  isOsseaError,
  OsseaError,
  type Problem,
} from '../../contract/index.ts';
import { finishJob } from '../finishJob.ts';
import { cancelError, type JobRun } from '../jobRun.ts';
import { tellWorkload, type WorkflowParts } from '../parts.ts';
import { isAdmitted } from './admission.ts';
import { changeFailover } from './failoverRecord.ts';
import { unfenceSource } from './fence.ts';
import { recall, remember } from './liveMemory.ts';
import { releaseSource } from './liveRemains.ts';
import { removeLedgered } from './remains.ts';
import { removeTargetVm, stopTargetVm } from './removeTargetVm.ts';
import { type RestoredReplica, restoreReplica } from './replicaProtection.ts';
import { restoreSourcePower } from './shutdownSource.ts';

export interface Undoing {
  readonly failoverId: string;
  /** Whether the source is powered on again where the failover had shut it down. */
  readonly powerOnSource: boolean;
  /** `rolled-back`: of a target that ran. `cleaned`: of a failover that did not get so far. */
  readonly outcome: 'rolled-back' | 'cleaned';
  /** Whether somebody typed the name of a VM whose data is lost by it. Default true. */
  readonly confirmed?: boolean | undefined;
}

/** States in which a live failover can be rolled back. */
export const rollBackStates = ['active', 'rolling-back'] as const satisfies readonly FailoverState[];

/** States in which what a live failover left can be cleaned up. */
export const cleanUpStates = [
  'interrupted',
  'cleaning',
  'cleaned',
  'rolled-back',
  'expired',
] as const satisfies readonly FailoverState[];

/**
 * Brings everything back to where it was before a live failover, from wherever that or an earlier undoing has got to: the target's VM goes and its volumes
 * stay, the replica shows its point again, the source is as it was. Replication goes on incrementally. May be repeated.
 */
export async function undoLive(parts: WorkflowParts, run: JobRun, undoing: Undoing): Promise<void> {
  const { store } = parts;
  const { failoverId, powerOnSource, outcome, confirmed } = undoing;
  const before = await store.failovers.require(failoverId);
  const admission =
    outcome === 'rolled-back'
      ? { states: rollBackStates, what: 'rolled back' }
      : { states: cleanUpStates, what: 'cleaned up', confirmed };
  if (!(await isAdmitted(parts, run, before, admission))) return;
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
    // The target stops before the source starts: they must never run at a time. All else can wait until the source serves again.
    await step('stop', (signal) => stopTargetVm(parts, run, failover, signal));
    const remark = await run.step(
      'unfence',
      async (signal) => (await unfenceSource(parts, run, failover, signal)) ?? null,
    );
    if (remark !== null) await run.endStep('unfence', 'done', remark);
    await step('power', (signal) => restoreSourcePower(parts, run, failover, powerOnSource, signal));
    await step('vm', (signal) => removeTargetVm(parts, run, failover, { keepVolumes: true }, signal));
    const { heldMacs = [] } = await recall(parts, failoverId);
    if (heldMacs.length > 0) await run.endStep('vm', 'done', heldText(heldMacs));
    // May take hours where the storage does not revert and the volumes are read.
    const restored = await run.step('revert', (signal) => restoreReplica(parts, run, failover, signal));
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
        attention: whatIsLost(failover, restored) ?? null,
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

/** What CloudStack keeps of a VM that the account may not expunge. */
function heldText(macs: readonly string[]): string {
  return `Until CloudStack expunges it, which an administrator can do at once, no other VM can have ${macs.join(' or ')}.`;
}

/** What a workload is when its live failover is undone. */
async function stateBefore({ store }: WorkflowParts, workloadId: string) {
  const { replicatedUntil } = await store.workloads.require(workloadId);
  const tests = await store.failovers.listOpen({ workloadId, kind: 'test' });
  if (tests.some(({ state }) => state === 'active')) return 'testing';
  return replicatedUntil === undefined ? 'managed' : 'protected';
}

/** What the replica lacks, with what a person does about it. */
function whatIsLost(
  { workloadName }: Failover,
  { lostChunks, lostVolumes }: RestoredReplica,
): Problem | undefined {
  if (lostVolumes.length > 0) {
    return new OsseaError(
      'request.not-found',
      `The volumes of ${lostVolumes.join(', ')} of ${workloadName} are not in CloudStack any more, as if somebody had expunged the VM with them.`,
      { remedy: 'Remove the replica of this workload and replicate it anew.' },
    ).toProblem();
  }
  if (lostChunks === 0) return undefined;
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
