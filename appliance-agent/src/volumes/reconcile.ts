import { namePrefix, ownerTag } from '../cloudstack/ownership.ts';
import { lookAgain } from '../cloudstack/settle.ts';
import { listVolumes } from '../cloudstack/volumes.ts';
import { OsseaError } from '../contract/index.ts';
import { adoptDevice } from './attachVolume.ts';
import { finishCreate } from './createVolume.ts';
import { deleteVolume } from './deleteVolume.ts';
import { detachVolume } from './detachVolume.ts';
import { findDevice } from './deviceLink.ts';
import { adoptVolume } from './vmVolume.ts';
import { assertCreated, finishPendingJob, type VolumeContext } from './volumeContext.ts';
import { volumeGone } from './volumeErrors.ts';
import { findCreated, findLiveVolume } from './volumeFinder.ts';
import { assertOurs } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** A record that said something else than CloudStack and the kernel, and what it says now. */
export interface Correction {
  readonly recordId: string;
  readonly name: string;
  readonly summary: string;
}

export interface ReconcileReport {
  readonly corrections: Correction[];
  /** What could not be settled now; the record is as it was, and the next use tries again. */
  readonly unsettled: { readonly recordId: string; readonly name: string; readonly error: OsseaError }[];
  /** Volumes that look like ours but are no record's: of another agent, or of a lost database. Never touched. */
  readonly strays: { readonly volumeId: string; readonly name: string }[];
}

/** Brings one record into agreement with CloudStack and the kernel. Gives what changed, in a sentence. */
export async function reconcileRecord(
  context: VolumeContext,
  record: VolumeRecord,
  signal: AbortSignal,
): Promise<string | undefined> {
  switch (record.state) {
    case 'creating':
      return await reconcileCreating(context, record, signal);
    case 'detaching':
      await detachVolume(context, record, signal);
      return 'the detach that was begun is finished';
    case 'deleting':
      await deleteVolume(context, record, signal);
      return 'the deletion that was begun is finished';
    case 'joining-vm':
    case 'in-vm':
    case 'leaving-vm':
      return await reconcileInVm(context, record, signal);
    case 'deleted':
    case 'surrendered':
      return undefined;
    default:
      return await reconcilePlace(context, record, signal);
  }
}

/** Adopts a volume that exists; where there is none, the creation is left to whoever wants it still. */
async function reconcileCreating(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<string | undefined> {
  const record = await finishPendingJob(context, before, signal);
  const find = () => findCreated(context, record, signal);
  if (!(await lookAgain(find, { pauseMs: context.pauseMs, signal }))) return undefined;
  await finishCreate(context, record, signal, { repeated: true });
  return 'the volume that was being created exists and is adopted';
}

/** Takes notice of where a volume of another VM is. What is to become of it, the failover decides that it belongs to. */
async function reconcileInVm(
  context: VolumeContext,
  record: VolumeRecord,
  signal: AbortSignal,
): Promise<string | undefined> {
  // A VM that is being made of it may not have it yet.
  if (record.state === 'in-vm' && record.attachedVmId === undefined) return undefined;
  const { state, attachedVmId } = await adoptVolume(context, record, signal);
  if (state === record.state) return undefined;
  return state === 'in-vm' ? `it is in the VM ${attachedVmId}` : 'it is in no VM';
}

/** Settles where a created volume is: attached to the appliance with a device, or not. */
async function reconcilePlace(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<string | undefined> {
  assertCreated(before);
  const record = await finishPendingJob(context, before, signal);
  assertCreated(record);
  const find = () => findLiveVolume(context.client, record, signal);
  const volume = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  if (!volume) throw volumeGone(record);
  assertOurs(record, volume);

  const device = await findDevice(context.deviceDir, record.volumeId);
  if (volume.attachedVmId === context.applianceVmId) {
    if (!device) {
      throw new OsseaError(
        'volume.device-missing',
        `CloudStack says that ${record.name} is attached, but it has no device in ${context.deviceDir}.`,
        { remedy: 'Detach it, or start the job again, which waits for the device.', retryable: true },
      );
    }
    const { devicePath } = await adoptDevice(context, record, volume, device, signal);
    // The device's name is found anew each time; only a change of state is worth telling.
    return record.state === 'attached' ? undefined : `it is attached, as ${devicePath}`;
  }
  if (record.state === 'detached') return undefined;
  await detachVolume(context, record, signal);
  return 'it is not attached';
}

/** Volumes that look like ours and are no record's: of another agent or a lost database, or of the same name by chance. */
export async function findStrays(
  context: VolumeContext,
  records: readonly VolumeRecord[],
  signal: AbortSignal,
): Promise<ReconcileReport['strays']> {
  const byId = new Map(records.map((record) => [record.id, record]));
  const byName = new Map(records.map((record) => [record.name, record]));
  const volumes = await listVolumes(context.client, { keyword: namePrefix }, signal);
  return volumes
    .filter(({ id, name, tags }) => {
      const owner = tags[ownerTag];
      const record = owner === undefined ? byName.get(name) : byId.get(owner);
      if (!record) return owner !== undefined;
      return record.volumeId !== undefined && record.volumeId !== id;
    })
    .map(({ id, name }) => ({ volumeId: id, name }));
}
