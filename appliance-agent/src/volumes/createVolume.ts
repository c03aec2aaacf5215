import type { CloudVolume } from '../cloudstack/client.ts';
import { ownerTag } from '../cloudstack/ownership.ts';
import { lookAgain, settle } from '../cloudstack/settle.ts';
import { createTags } from '../cloudstack/tags.ts';
import { createVolume as createInCloud, findVolume } from '../cloudstack/volumes.ts';
import { type CloudId, OsseaError, VolumeId } from '../contract/index.ts';
import { finishPendingJob, update, type VolumeContext } from './volumeContext.ts';
import { findCreated } from './volumeFinder.ts';
import { ceilToGib, foreign, gibToBytes, volumeName } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

export interface CreateVolume {
  /** The record's UUID, chosen by the caller and the same at every repetition; the volume's token follows from it. */
  readonly recordId: string;
  /** A clone is filled by copying where the storage takes no snapshots. Default: the replica. */
  readonly role?: VolumeRecord['role'] | undefined;
  readonly workload: { readonly id: string; readonly name: string };
  readonly disk: { readonly id: string; readonly label: string };
  /** The disk's capacity; the volume gets the next whole GiB. */
  readonly bytes: number;
  readonly zoneId: CloudId;
  readonly diskOfferingId: CloudId;
}

/** Creates the volume of a request, or goes on with what an earlier call began. */
export async function createVolume(
  context: VolumeContext,
  request: CreateVolume,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  const existing = await context.records.get(request.recordId);
  if (
    existing &&
    (existing.workloadDiskId !== request.disk.id || existing.requestedBytes !== request.bytes)
  ) {
    throw new OsseaError(
      'request.conflict',
      `The volume record ${existing.id} is that of ${existing.diskLabel} of ${existing.vmName} with ${existing.requestedBytes} bytes, not of ${request.disk.label} with ${request.bytes}.`,
    );
  }
  return await continueCreation(context, existing, () => intentOf(context, request), signal);
}

/** Begins a creation with its intent, or finishes one that has begun. */
export async function continueCreation(
  context: VolumeContext,
  existing: VolumeRecord | undefined,
  intent: () => VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  if (!existing) {
    const record = intent();
    await context.records.put(record);
    return await finishCreate(context, record, signal, { repeated: false });
  }
  if (['deleting', 'deleted', 'surrendered'].includes(existing.state)) {
    throw new OsseaError('request.conflict', `The volume ${existing.name} is ${existing.state}.`);
  }
  return existing.state === 'creating'
    ? await finishCreate(context, existing, signal, { repeated: true })
    : existing;
}

function intentOf(context: VolumeContext, request: CreateVolume): VolumeRecord {
  const role = request.role ?? 'replica';
  const diskLabel = role === 'clone' ? `${request.disk.label} clone` : request.disk.label;
  return {
    id: request.recordId,
    targetId: context.targetId,
    workloadId: request.workload.id,
    workloadDiskId: request.disk.id,
    role,
    vmName: request.workload.name,
    diskLabel,
    name: volumeName(request.workload.name, diskLabel, request.recordId),
    state: 'creating',
    requestedBytes: request.bytes,
    sizeBytes: gibToBytes(ceilToGib(request.bytes)),
    zoneId: request.zoneId,
    diskOfferingId: request.diskOfferingId,
    knownZero: true,
    createdAt: new Date().toISOString(),
  };
}

/** From an intent to a tagged volume. `repeated`: an earlier call may have created the volume already. */
export async function finishCreate(
  context: VolumeContext,
  intent: VolumeRecord,
  signal: AbortSignal,
  { repeated }: { readonly repeated: boolean },
): Promise<VolumeRecord> {
  let record = await finishPendingJob(context, intent, signal);
  const find = () => findCreated(context, record, signal);
  const earlier = repeated ? await lookAgain(find, { pauseMs: context.pauseMs, signal }) : undefined;
  const volume =
    earlier ??
    (await settle({
      subject: `the creation of ${record.name}`,
      act: async () => {
        // The id of an attempt that came to nothing would hide the volume of this one, should its answer be lost.
        if (record.volumeId !== undefined) {
          record = await update(context, record, { volumeId: undefined, pendingJobId: undefined });
        }
        await createInCloud(
          context.client,
          {
            name: record.name,
            zoneId: record.zoneId,
            diskOfferingId: record.diskOfferingId,
            sizeGib: ceilToGib(record.sizeBytes),
            snapshotId: record.snapshotId,
          },
          {
            signal,
            onAccepted: async ({ jobId, objectId }) => {
              const volumeId = objectId === undefined ? undefined : VolumeId.parse(objectId);
              record = await update(context, record, { pendingJobId: jobId, volumeId });
            },
          },
        );
      },
      look: find,
      pauseMs: context.pauseMs,
      signal,
    }));
  record = await update(context, record, { volumeId: volume.id, pendingJobId: undefined });
  await ensureTag(context, record, volume, signal);
  if (volume.sizeBytes !== undefined && volume.sizeBytes < record.requestedBytes) {
    throw new OsseaError(
      'volume.too-small',
      `CloudStack made the volume ${record.name} ${volume.sizeBytes} bytes large, the disk ${record.diskLabel} of ${record.vmName} needs ${record.requestedBytes}.`,
      {
        remedy: 'Choose a disk offering whose size is given per volume (custom size).',
        field: 'target.diskOfferingId',
      },
    );
  }
  return await update(context, record, {
    state: 'detached',
    sizeBytes: volume.sizeBytes ?? record.sizeBytes,
  });
}

/** Marks a volume of a half-done creation as ours. @throws OsseaError volume.foreign when it bears another's mark */
export async function ensureTag(
  context: VolumeContext,
  record: VolumeRecord,
  volume: CloudVolume,
  signal: AbortSignal,
): Promise<void> {
  const owner = volume.tags[ownerTag];
  if (owner === record.id) return;
  if (volume.name !== record.name) throw foreign(record, volume, `it is named ${volume.name}`);
  if (owner !== undefined) throw foreign(record, volume, `its tag ${ownerTag} names another owner`);
  await settle({
    subject: `the tagging of ${record.name}`,
    act: () => createTags(context.client, 'Volume', [volume.id], { [ownerTag]: record.id }, { signal }),
    look: async () => {
      const tagged = await findVolume(context.client, volume.id, signal);
      return tagged?.tags[ownerTag] === record.id ? tagged : undefined;
    },
    pauseMs: context.pauseMs,
    signal,
  });
}
