import { type CloudId, OsseaError } from '../contract/index.ts';
import { continueCreation } from './createVolume.ts';
import type { VolumeContext } from './volumeContext.ts';
import { volumeName } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

export interface CloneVolume {
  /** The clone's UUID, chosen by the caller and the same at every repetition. */
  readonly recordId: string;
  /** The record of the replica that the snapshot was taken of. */
  readonly replicaId: string;
  /** A complete snapshot of the replica's volume. */
  readonly snapshotId: CloudId;
}

/** Makes a volume of a snapshot's bytes, or goes on with what an earlier call began. */
export async function cloneVolume(
  context: VolumeContext,
  request: CloneVolume,
  replica: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  const existing = await context.records.get(request.recordId);
  if (existing && (existing.role !== 'clone' || existing.snapshotId !== request.snapshotId)) {
    throw new OsseaError(
      'request.conflict',
      `The volume record ${existing.id} is not that of a clone of ${replica.name} from the snapshot ${request.snapshotId}.`,
    );
  }
  return await continueCreation(context, existing, () => intentOf(context, request, replica), signal);
}

function intentOf(context: VolumeContext, request: CloneVolume, replica: VolumeRecord): VolumeRecord {
  const diskLabel = `${replica.diskLabel} clone`;
  return {
    id: request.recordId,
    targetId: context.targetId,
    workloadId: replica.workloadId,
    workloadDiskId: replica.workloadDiskId,
    vmName: replica.vmName,
    diskLabel,
    role: 'clone',
    snapshotId: request.snapshotId,
    name: volumeName(replica.vmName, diskLabel, request.recordId),
    state: 'creating',
    requestedBytes: replica.requestedBytes,
    sizeBytes: replica.sizeBytes,
    zoneId: replica.zoneId,
    diskOfferingId: replica.diskOfferingId,
    knownZero: false,
    createdAt: new Date().toISOString(),
  };
}
