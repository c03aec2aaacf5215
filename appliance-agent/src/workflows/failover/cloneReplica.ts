import { setTimeout } from 'node:timers/promises';
import { takeSnapshot } from '../../cloudstack/snapshots.ts';
import {
  type CloudId,
  type DeviceKey,
  type Failover,
  isOsseaError,
  OsseaError,
  type RecoveryPoint,
  type Workload,
  type WorkloadDisk,
} from '../../contract/index.ts';
import { eachDisk } from '../eachDisk.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { copyReplicaVolume } from './copyReplicaVolume.ts';
import { changeFailover } from './failoverRecord.ts';
import { pointOf } from './freshPoint.ts';
import { ownerIdOf } from './ownerIds.ts';

/** What a clone is made of. */
export interface CloneSource {
  readonly diskId: string;
  readonly key: DeviceKey;
  readonly label: string;
  /** The clone's record. */
  readonly recordId: string;
  /** Undefined: the storage has no snapshots, and the clone was copied already. */
  readonly snapshotId: CloudId | undefined;
}

/** All disks of a replica as they were at one point. */
export interface FrozenReplica {
  readonly point: RecoveryPoint;
  readonly sources: readonly CloneSource[];
}

/** How often a torn replica is looked at. Milliseconds. */
const pollMs = 300;

/**
 * Takes snapshots of all volumes of a replica while nobody writes to them, so that they show one point. Where the storage takes none, plain copies are
 * made of the volumes instead, which keeps replications waiting for as long as that takes. May be repeated: what was taken of another
 * point by an earlier call is not used.
 * @throws OsseaError `failover.not-ready` where the volumes show no point and nothing brings them to one; `cloudstack.*`
 */
export async function freezeReplica(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<FrozenReplica> {
  const { store } = parts;
  for (;;) {
    using _turn = await parts.replicaTurns.take(
      run,
      failover.workloadId,
      'A test failover takes snapshots of the volumes.',
      signal,
    );
    const workload = await store.workloads.require(failover.workloadId);
    const point = await pointOf(parts, workload);
    const torn = await store.workloads.replicaTornSince(workload.id);
    if (point && !torn) {
      await haveCredentials(parts, run, [await store.targets.require(workload.targetId)], signal);
      const sources = await eachDisk(parts, workload.disks, signal, (disk, diskSignal) =>
        freezeDisk(parts, run, failover, workload, disk, point, diskSignal),
      );
      await changeFailover(parts, failover.id, { point });
      return { point, sources };
    }
    if (workload.currentJobId === undefined) throw noPoint(workload, torn);
    // A job that was cut off by the end of the agent is about to go on; the turn is left to it.
    await run.waiting('replica', 'The replication of the workload is half-way; its point is waited for.');
    await setTimeout(pollMs, undefined, { signal });
    await run.waiting(undefined);
  }
}

async function freezeDisk(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  workload: Workload,
  disk: WorkloadDisk,
  point: RecoveryPoint,
  signal: AbortSignal,
): Promise<CloneSource> {
  const { store, sessions } = parts;
  const { id: diskId, key, label } = disk;
  const volumes = await sessions.volumes(workload.targetId);
  // While a snapshot is taken its volume can be neither attached nor detached, and on KVM it should be in no running VM.
  const { volumeId } = await volumes.detach(diskId, signal);
  if (volumeId === undefined) {
    throw new OsseaError('failover.not-ready', `${label} of ${workload.name} has no volume yet.`, {
      remedy: 'Replicate the workload first.',
    });
  }
  const recordId = ownerIdOf(failover.id, 'clone', diskId);
  // Of this point alone: an earlier call may have been cut off, and the replica have gone on since.
  const token = ownerIdOf(failover.id, 'snapshot', `${diskId} ${point.at}`);
  const effect = await store.effects.intend({
    jobId: run.jobId,
    kind: 'volume-snapshot',
    token,
    endpointId: workload.targetId,
    workloadId: workload.id,
    failoverId: failover.id,
    detail: { name: `snapshot of ${label}` },
  });
  try {
    const client = await sessions.cloud(workload.targetId);
    const snapshot = await takeSnapshot(
      client,
      { ownerId: token, volumeId, label: 'test' },
      { signal, first: effect.isNew },
    );
    await store.effects.markDone(effect.id, snapshot.id, { name: snapshot.name });
    return { diskId, key, label, recordId, snapshotId: snapshot.id };
  } catch (error) {
    if (!isOsseaError(error, 'cloudstack.unsupported')) throw error;
    await store.effects.markUndone(effect.id);
    run.logger.warn({ disk: label, detail: error.message }, 'no snapshots; the volume is copied');
    await copyReplicaVolume(parts, run, { workload, disk, recordId, point }, signal);
    return { diskId, key, label, recordId, snapshotId: undefined };
  }
}

/** Makes the clones of snapshots. May be repeated. @throws OsseaError `cloudstack.*`, `volume.foreign` */
export async function cloneReplica(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  { sources }: FrozenReplica,
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  const { targetId } = await store.workloads.require(failover.workloadId);
  await haveCredentials(parts, run, [await store.targets.require(targetId)], signal);
  const volumes = await sessions.volumes(targetId);
  await eachDisk(parts, sources, signal, async ({ recordId, diskId, snapshotId }, diskSignal) => {
    if (snapshotId !== undefined)
      await volumes.clone({ recordId, replicaId: diskId, snapshotId }, diskSignal);
  });
}

function noPoint({ name, replicatedUntil }: Workload, torn: Date | undefined): OsseaError {
  const why =
    replicatedUntil === undefined || torn === undefined
      ? `${name} has no complete replica.`
      : `The volumes of ${name} have been between two points since ${torn.toISOString()}, as a replication was not finished.`;
  return new OsseaError('failover.not-ready', why, {
    remedy: 'Replicate it, then start the test again; or choose a fresh point.',
  });
}
