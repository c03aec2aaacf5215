import { forgetChanged } from '../../blockcopy/forgetChanged.ts';
import { lookAgain } from '../../cloudstack/settle.ts';
import { deleteSnapshot, findOwnSnapshot, revertSnapshot, takeSnapshot } from '../../cloudstack/snapshots.ts';
import { findVolume } from '../../cloudstack/volumes.ts';
import {
  type ErrorCode,
  type Failover,
  isOsseaError,
  OsseaError,
  type VolumeId,
  type Workload,
  type WorkloadDisk,
} from '../../contract/index.ts';
import type { Effect, IntendedEffect } from '../../store/effects.ts';
import { openReplica } from '../copyWorkloadDisk.ts';
import { detachVolumes } from '../cycleVolumes.ts';
import { eachDisk } from '../eachDisk.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { recall, remember } from './liveMemory.ts';
import { ownerIdOf } from './ownerIds.ts';

/**
 * Takes a snapshot of each volume of the replica, so that whatever is done to it afterwards can be undone (pitfall 24). May be repeated, by any job of
 * the failover; after something has written to the volumes only the snapshots from before count.
 * @throws OsseaError `failover.not-ready` where one of those is gone; `cloudstack.*`
 */
export async function protectReplica(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  workload: Workload,
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  await haveCredentials(parts, run, [await store.targets.require(workload.targetId)], signal);
  // A snapshot of a volume that is attached to a running VM is refused by many clouds.
  await detachVolumes(parts, run, workload.id, signal);
  const client = await sessions.cloud(workload.targetId);
  const { touchedAt } = await recall(parts, failover.id);
  const known = await store.effects.listOpen({ failoverId: failover.id, kind: 'volume-snapshot' });
  await eachDisk(parts, workload.disks, signal, async (disk, diskSignal) => {
    const token = ownerIdOf(failover.id, 'snapshot', disk.id);
    const standing = known.find((each) => each.token === token);
    if (touchedAt) {
      if (!standing || (await findOwnSnapshot(client, token, diskSignal))) return;
      throw snapshotGone(workload, disk);
    }
    const { volumeId } = disk;
    if (volumeId === undefined) throw new TypeError(`${disk.label} has no volume`);
    const intended: Pick<IntendedEffect, 'id' | 'isNew'> =
      (standing && { ...standing, isNew: false }) ??
      (await store.effects.intend({
        jobId: run.jobId,
        kind: 'volume-snapshot',
        token,
        endpointId: workload.targetId,
        workloadId: workload.id,
        failoverId: failover.id,
        detail: { name: `${workload.name}, ${disk.label}, before its failover`, diskId: disk.id },
      }));
    try {
      const snapshot = { ownerId: token, volumeId, label: 'before-failover' };
      const first = intended.isNew;
      const { id } = await takeSnapshot(client, snapshot, { signal: diskSignal, first });
      await store.effects.markDone(intended.id, id);
    } catch (error) {
      // The digests of the journal protect the replica as well, only slower.
      if (!isOsseaError(error, 'cloudstack.unsupported', 'cloudstack.resource-limit')) throw error;
      run.logger.warn(
        { disk: disk.label, detail: error.message },
        'the volume has no snapshot to go back to',
      );
      await store.effects.markUndone(intended.id);
    }
  });
}

/**
 * To be called before a volume is let go for an import, which gives it another id: writes down what it was called, so that its journal is found to be its
 * own, and deletes its snapshot, as none goes back into a volume of another id and one with snapshots may not be let go at all. From then on the
 * journal's digests protect it, as they do where the storage takes no snapshots. May be repeated.
 * @throws OsseaError `cloudstack.*`
 */
export async function prepareLettingGo(
  parts: WorkflowParts,
  failover: Failover,
  { diskId, volumeId }: { readonly diskId: string; readonly volumeId: VolumeId },
  signal: AbortSignal,
): Promise<void> {
  const { store, sessions } = parts;
  const { touchedAt, formerVolumeIds = {} } = await recall(parts, failover.id);
  const former = new Set([...(formerVolumeIds[diskId] ?? []), volumeId]);
  await remember(parts, failover.id, {
    // What is to be undone is found by comparing from now on.
    touchedAt: touchedAt ?? new Date().toISOString(),
    formerVolumeIds: { ...formerVolumeIds, [diskId]: [...former] },
  });
  const token = ownerIdOf(failover.id, 'snapshot', diskId);
  const effects = await store.effects.listOpen({ failoverId: failover.id, kind: 'volume-snapshot' });
  const effect = effects.find((each) => each.token === token);
  if (!effect) return;
  const client = await sessions.cloud(effect.endpointId);
  const snapshot = await lookAgain(() => findOwnSnapshot(client, token, signal), { signal });
  if (snapshot) await deleteSnapshot(client, snapshot.id, { signal });
  await store.effects.markUndone(effect.id);
}

/** How a replica was brought back. */
export interface RestoredReplica {
  /** Chunks that are lost, and are copied again by the next cycle; 0 where the storage reverted all volumes. */
  readonly lostChunks: number;
  /** Labels of the disks whose volumes are not in CloudStack any more. */
  readonly lostVolumes: readonly string[];
}

/**
 * Brings the replica back to where its snapshots show it, so that its journals and change ids are true again. Where the storage cannot
 * revert, the volumes are read and compared with their digests: what differs is forgotten, and the next cycle copies that alone. Does
 * nothing where nothing but cycles has written. The volumes are in no VM by then.
 * @throws OsseaError `volume.*`, `cloudstack.*`
 */
export async function restoreReplica(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<RestoredReplica> {
  const { store } = parts;
  const { touchedAt, formerVolumeIds } = await recall(parts, failover.id);
  if (!touchedAt) return { lostChunks: 0, lostVolumes: [] };
  const workload = await store.workloads.require(failover.workloadId);
  await haveCredentials(parts, run, [await store.targets.require(workload.targetId)], signal);
  await detachVolumes(parts, run, workload.id, signal);
  const effects = await store.effects.listOpen({ failoverId: failover.id, kind: 'volume-snapshot' });
  const lost = await eachDisk(parts, workload.disks, signal, async (disk, diskSignal) => {
    const token = ownerIdOf(failover.id, 'snapshot', disk.id);
    const effect = effects.find((each) => each.token === token);
    if (await isGone(parts, workload, disk, diskSignal)) return 'volume';
    if (effect && (await revert(parts, run, effect, workload, disk, diskSignal))) return 0;
    return compare(
      parts,
      run,
      workload,
      { ...disk, formerVolumeIds: formerVolumeIds?.[disk.id] },
      diskSignal,
    );
  });
  await detachVolumes(parts, run, workload.id, signal);
  const lostChunks = lost.reduce<number>((sum, what) => sum + (what === 'volume' ? 0 : what), 0);
  const lostVolumes = workload.disks
    .filter((_disk, index) => lost[index] === 'volume')
    .map(({ label }) => label);
  // Until the next cycle the volumes show no point in time.
  if (lostChunks > 0 || lostVolumes.length > 0) await store.workloads.markReplicaTorn(workload.id);
  await remember(parts, failover.id, { touchedAt: null, prepared: null });
  return { lostChunks, lostVolumes };
}

/** States of a volume on its way out. */
const goneStates: ReadonlySet<string> = new Set(['Destroy', 'Destroying', 'Expunging', 'Expunged']);

/** Whether somebody has removed a disk's volume, as with the VM that had it. */
async function isGone(
  { store, sessions }: WorkflowParts,
  workload: Workload,
  { id }: WorkloadDisk,
  signal: AbortSignal,
): Promise<boolean> {
  const volumeId = (await store.volumes.get(id))?.volumeId;
  if (volumeId === undefined) return false;
  const client = await sessions.cloud(workload.targetId);
  const find = async () => {
    const volume = await findVolume(client, volumeId, signal);
    return volume && !goneStates.has(volume.state) ? volume : undefined;
  };
  return !(await lookAgain(find, { signal }));
}

/** Failures that may come of the storage, which some clouds tell as if they would pass. */
const refusals = [
  'cloudstack.internal',
  'cloudstack.job-failed',
  'cloudstack.unsupported',
  'cloudstack.parameter',
  'cloudstack.malformed',
] as const satisfies readonly ErrorCode[];
const attempts = 3;

/** False where the storage cannot. */
async function revert(
  { sessions }: WorkflowParts,
  run: JobRun,
  { token }: Effect,
  workload: Workload,
  disk: WorkloadDisk,
  signal: AbortSignal,
): Promise<boolean> {
  const client = await sessions.cloud(workload.targetId);
  // A list that is a moment old must not cost the reading of the whole volume.
  const snapshot = await lookAgain(() => findOwnSnapshot(client, token, signal), { signal });
  if (snapshot?.state !== 'BackedUp') return false;
  for (let attempt = 1; ; attempt++) {
    try {
      await revertSnapshot(client, snapshot.id, { signal });
      return true;
    } catch (error) {
      if (signal.aborted || !isOsseaError(error, ...refusals)) throw error;
      if (error.retryable && attempt < attempts) continue;
      run.logger.warn(
        { disk: disk.label, code: error.code, detail: error.message },
        'the storage does not revert; the volume is compared with its digests',
      );
      return false;
    }
  }
}

/** Chunks that are not what the journal says, and are unknown to it now. */
async function compare(
  parts: WorkflowParts,
  run: JobRun,
  workload: Workload,
  {
    id,
    key,
    label,
    formerVolumeIds,
  }: WorkloadDisk & { readonly formerVolumeIds: readonly string[] | undefined },
  signal: AbortSignal,
): Promise<number> {
  const opened = { diskId: id, label, formerVolumeIds };
  await using replica = await openReplica(parts, run, workload, opened, signal);
  return await forgetChanged({
    target: replica.target,
    journal: replica.journal,
    label: `${workload.name}, ${label}`,
    signal,
    onProgress: (progress) => run.report({ ...progress, key, label }),
  });
}

function snapshotGone({ name }: Workload, { label }: WorkloadDisk): OsseaError {
  return new OsseaError(
    'failover.not-ready',
    `The snapshot that ${label} of ${name} could go back to is not in CloudStack any more.`,
    { remedy: 'Clean this failover up: what was changed is found by its digests. Then begin it anew.' },
  );
}
