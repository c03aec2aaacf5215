import { rm } from 'node:fs/promises';
import { requireOwnVm } from '../../cloudstack/machines.ts';
import { type Failover, isOsseaError, OsseaError, type Problem } from '../../contract/index.ts';
import { journalPath } from '../copyWorkloadDisk.ts';
import { finishJob } from '../finishJob.ts';
import { cancelError, type JobRun } from '../jobRun.ts';
import { haveCredentials, tellWorkload, type WorkflowParts } from '../parts.ts';
import { isAdmitted } from './admission.ts';
import { changeFailover } from './failoverRecord.ts';
import { fenceOf, fenceSource } from './fence.ts';
import type { CommitJob } from './liveJobs.ts';
import { releaseSource } from './liveRemains.ts';
import { removeLedgered } from './remains.ts';
import { liveRequestOf } from './startWindow.ts';

/**
 * Makes a live failover final: the volumes are the VM's own from now on, what only a rollback needs goes, and the source stays off and fenced. May be
 * repeated; from its first step on there is no way back.
 */
export async function commitLive(
  parts: WorkflowParts,
  run: JobRun,
  { failoverId, onlyRunning }: CommitJob,
): Promise<void> {
  const { store, sessions } = parts;
  const before = await store.failovers.require(failoverId);
  if (!(await isAdmitted(parts, run, before, { states: ['active', 'committing'], what: 'committed' })))
    return;
  // A process that ended after its last step finds the end recorded.
  const failover =
    before.state === 'committed'
      ? before
      : await changeFailover(parts, failoverId, {
          state: 'committing',
          jobId: run.jobId,
          problem: undefined,
        });
  const { workloadId } = failover;
  let failure: Problem | undefined;
  try {
    await run.step('check', async (signal) => {
      const { targetId } = await store.workloads.require(workloadId);
      await haveCredentials(parts, run, [await store.targets.require(targetId)], signal);
      const client = await sessions.cloud(targetId);
      const vm = await requireOwnVm(client, { id: failoverId, name: failover.workloadName }, { signal });
      if (onlyRunning && vm.state !== 'Running') throw notRunning(failover, vm.state);
      return null;
    });

    await run.step('fence', async (signal) => {
      await fenceLate(parts, run, failover, signal);
      return null;
    });

    await run.step('volumes', async (signal) => {
      const { targetId } = await store.workloads.require(workloadId);
      const volumes = await sessions.volumes(targetId);
      for (const { id } of await store.volumes.ofWorkload(workloadId)) await volumes.surrender(id, signal);
      return null;
    });

    await run.step('snapshots', async (signal) => {
      await removeLedgered(parts, run, failover, 'volume-snapshot', signal);
      await releaseSource(parts, run, failover, signal);
      return null;
    });

    await run.step('end', async () => {
      const { disks } = await store.workloads.require(workloadId);
      for (const { id } of disks) await rm(journalPath(parts.config.stateDir, id), { force: true });
      // VM, fence and the source's power are as they shall stay: nothing of them is to be undone any more.
      for (const { id } of await store.effects.listOpen({ failoverId })) await store.effects.markUndone(id);
      await store.workloads.update(workloadId, { state: 'migrated', attention: null });
      const endedAt = new Date().toISOString();
      const { downtime } = failover;
      await changeFailover(parts, failoverId, {
        state: 'committed',
        endedAt,
        commitBy: undefined,
        ...(downtime && downtime.endedAt === undefined && { downtime: { ...downtime, endedAt } }),
      });
      await tellWorkload(parts, workloadId);
      return null;
    });
  } catch (error) {
    failure = run.cancelled ? stopped(failover) : run.problemOf(error);
    // Nothing was given up before the volumes were.
    const begun = (await store.volumes.ofWorkload(workloadId)).length < (await disksOf(parts, workloadId));
    await changeFailover(parts, failoverId, { state: begun ? 'committing' : 'active', problem: failure });
  }
  await finishJob(parts, run, workloadId, failure);
}

/** A source that could not be fenced when it was lost is fenced now if it is back; if not, the commit says so and goes on. */
async function fenceLate(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<void> {
  const { store, credentials } = parts;
  const { mode, fenceSource: wanted } = liveRequestOf(failover);
  if (mode !== 'unplanned' || !wanted || (await fenceOf(parts, failover.id))?.state === 'done') return;
  const workload = await store.workloads.require(failover.workloadId);
  try {
    if (!credentials.get(workload.sourceId))
      throw new OsseaError('lease.missing', 'No credentials are lent.');
    await fenceSource(parts, { jobId: run.jobId, failover, workload }, signal);
  } catch (error) {
    if (signal.aborted || !isOsseaError(error)) throw error;
    run.logger.warn({ code: error.code, detail: error.message }, 'the source is not fenced');
    await run.change({
      message: `The source of ${workload.name} could not be fenced: ${error.message} See that nobody starts it.`,
    });
  }
}

async function disksOf({ store }: WorkflowParts, workloadId: string): Promise<number> {
  return (await store.workloads.require(workloadId)).disks.length;
}

/** The proof was of another hour. */
function notRunning({ workloadName }: Failover, state: string): OsseaError {
  return new OsseaError(
    'failover.undecided',
    `The time to decide about the failover of ${workloadName} is over, but its VM is ${state}: it is not committed by itself.`,
    { remedy: 'See why it does not run; then commit it, roll it back, or give it more time.' },
  );
}

function stopped({ workloadName }: Failover): Problem {
  return {
    ...cancelError().toProblem(),
    detail: `The commit of ${workloadName} was cancelled.`,
    remedy: 'Commit it again: it goes on with what is left.',
  };
}
