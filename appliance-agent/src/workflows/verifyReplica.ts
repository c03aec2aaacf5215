import { verifyReadback } from '../blockcopy/verify.ts';
import {
  type DiskReport,
  OsseaError,
  type Problem,
  type Workload,
  type WorkloadDisk,
} from '../contract/index.ts';
import { openReplica } from './copyWorkloadDisk.ts';
import { detachVolumes } from './cycleVolumes.ts';
import { eachDisk } from './eachDisk.ts';
import { finishJob } from './finishJob.ts';
import { cancelError, type JobRun } from './jobRun.ts';
import { haveCredentials, type WorkflowParts } from './parts.ts';
import { assertVerified } from './runCycle.ts';

/** The steps, in order, as people read them. */
export const verifySteps = [
  { name: 'verify', title: 'Read the volumes and compare' },
  { name: 'detach', title: 'Detach the volumes' },
] as const;

/**
 * Reads the volumes of a workload again and compares every chunk with its digest. The source is not needed; chunks that differ are
 * noted, and the next replication writes them again.
 */
export async function verifyReplica(parts: WorkflowParts, run: JobRun, workloadId: string): Promise<void> {
  const { store } = parts;
  let failure: Problem | undefined;
  using turn = new DisposableStack();
  try {
    turn.use(await parts.replicaTurns.take(run, workloadId, 'A verification reads the volumes.', run.signal));
    await run.step('verify', async (signal) => {
      const workload = await store.workloads.require(workloadId);
      await haveCredentials(parts, run, [await store.targets.require(workload.targetId)], signal);
      run.limiter.setRate(workload.settings.bandwidthLimit);
      if (workload.replicatedUntil === undefined) {
        throw new OsseaError('request.conflict', `${workload.name} has no complete replica yet.`, {
          remedy: 'Replicate it first.',
        });
      }
      const reports = await eachDisk(parts, workload.disks, signal, (disk, diskSignal) =>
        verifyDisk(parts, run, workload, disk, diskSignal),
      );
      for (const report of reports) await store.jobs.putReport(run.jobId, report);
      assertVerified(workload.name, reports);
      return null;
    });
  } catch (error) {
    failure = run.cancelled ? cancelError().toProblem() : run.problemOf(error);
  }
  try {
    await run.step('detach', (signal) => detachVolumes(parts, run, workloadId, signal), { undo: true });
  } catch (error) {
    failure ??= run.problemOf(error);
  }
  await finishJob(parts, run, workloadId, failure);
}

async function verifyDisk(
  parts: WorkflowParts,
  run: JobRun,
  workload: Workload,
  disk: WorkloadDisk,
  signal: AbortSignal,
): Promise<DiskReport> {
  const { key, label, capacityBytes, volumeId, changeId } = disk;
  if (volumeId === undefined) throw new TypeError(`${label} of ${workload.name} has no volume`);
  await using replica = await openReplica(parts, run, workload, { diskId: disk.id, label }, signal);
  const result = await verifyReadback({
    target: replica.target,
    journal: replica.journal,
    label: `${workload.name}, ${label}`,
    // Nobody waits for a scrub: it makes room, and keeps to the limits of bandwidth, though it asks nothing of the source.
    targetLimiters: [parts.limiter, run.limiter, parts.precedence.background],
    signal,
    onProgress: (progress) => run.report({ ...progress, key, label }),
  });
  return {
    key,
    label,
    volumeId,
    capacityBytes,
    copiedBytes: 0,
    holeBytes: result.holeBytes,
    seconds: result.seconds,
    sourceDigest: result.sourceDigest,
    ...(result.targetDigest !== undefined && { targetDigest: result.targetDigest }),
    verifiedBytes: result.verifiedBytes,
    verified: result.verified,
    verifyMode: 'readback',
    mismatchedChunks: result.mismatchedChunks,
    healedChunks: result.healedChunks,
    ...(changeId !== undefined && { changeId }),
    transport: disk.transport ?? { kind: 'folder', reason: 'Nothing was read from the source.' },
  };
}
