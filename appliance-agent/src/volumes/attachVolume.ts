import type { CloudVolume } from '../cloudstack/client.ts';
import { lookAgain, settle } from '../cloudstack/settle.ts';
import { attachVolume as attachInCloud } from '../cloudstack/volumes.ts';
import { isOsseaError, OsseaError } from '../contract/index.ts';
import { type AttachWait, findRefusal } from './attachSlots.ts';
import { checkDevice, checkNotShared } from './deviceCheck.ts';
import { type FoundDevice, findDevice, waitForDevice } from './deviceLink.ts';
import { persistentLinkPath, putPersistentLink } from './persistentLink.ts';
import {
  assertCreated,
  type CreatedRecord,
  deviceRecheckMs,
  finishPendingJob,
  update,
  type VolumeContext,
} from './volumeContext.ts';
import { findLiveVolume } from './volumeFinder.ts';
import { assertOurs } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** A volume that can be written now. */
export interface AttachedVolume {
  readonly record: VolumeRecord;
  /** The link in the device directory; open this, it names the volume as long as it is attached. */
  readonly devicePath: string;
  /** The readable link to it. */
  readonly persistentPath: string;
  /** Size of the device in bytes; at least the disk's. */
  readonly deviceBytes: number;
  /** True where nothing was ever written and the storage promises that new volumes read as zeros. */
  readonly knownZero: boolean;
}

export type OnWaiting = (wait: AttachWait | undefined) => void;

/** Attaches a created volume and finds its device, whatever an earlier call had reached. */
export async function attachVolume(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
  onWaiting: OnWaiting | undefined,
): Promise<AttachedVolume> {
  assertCreated(before);
  const settled = await finishPendingJob(context, before, signal);
  const intent = await update(context, settled, { state: 'attaching', attachedVmId: context.applianceVmId });
  assertCreated(intent);

  const deadline = Date.now() + context.deviceTimeoutMs;
  for (;;) {
    const volume = await plug(context, intent, signal, onWaiting);
    const waitMs = Math.min(deviceRecheckMs, context.deviceTimeoutMs, Math.max(0, deadline - Date.now()));
    const device = await waitForDevice(context.deviceDir, intent.volumeId, waitMs, signal);
    if (device) return await adoptDevice(context, intent, volume, device, signal);
    if (Date.now() >= deadline) throw deviceMissing(context, intent);
  }
}

/** Makes CloudStack attach the volume, in the VM's turn, when there is a slot. */
async function plug(
  context: VolumeContext,
  record: CreatedRecord,
  signal: AbortSignal,
  onWaiting: OnWaiting | undefined,
): Promise<CloudVolume> {
  for (let waited = false; ; waited = true) {
    const outcome = await context.vmTurns.take(context.applianceVmId, signal, () =>
      tryToPlug(context, record, signal),
    );
    if ('volume' in outcome) {
      if (waited) onWaiting?.(undefined);
      return outcome.volume;
    }
    // The turn is given back while waiting, since a detach needs it to make room.
    onWaiting?.(outcome.wait);
    await context.slots.waitForChange(signal);
  }
}

async function tryToPlug(
  context: VolumeContext,
  record: CreatedRecord,
  signal: AbortSignal,
): Promise<{ volume: CloudVolume } | { wait: AttachWait }> {
  const find = () => findLiveVolume(context.client, record, signal);
  const volume = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  if (!volume) throw volumeGone(record);
  assertOurs(record, volume);
  if (volume.attachedVmId === context.applianceVmId) return { volume };
  if (volume.attachedVmId !== undefined) {
    throw new OsseaError(
      'cloudstack.in-use',
      `The volume ${record.name} is attached to the VM ${volume.attachedVmName ?? volume.attachedVmId}.`,
      { remedy: 'Detach it there in CloudStack, then try again.', retryable: true },
    );
  }
  const full = await context.slots.whyFull(signal);
  if (full) return { wait: full };

  let current: VolumeRecord = record;
  try {
    const attached = await settle({
      subject: `the attaching of ${record.name}`,
      act: () =>
        attachInCloud(context.client, record.volumeId, context.applianceVmId, {
          signal,
          onAccepted: async ({ jobId }) => {
            current = await update(context, current, { pendingJobId: jobId });
          },
        }),
      look: async () => {
        const seen = await find();
        return seen?.attachedVmId === context.applianceVmId ? seen : undefined;
      },
      isFinal: (error) => findRefusal(error) !== undefined,
      pauseMs: context.pauseMs,
      signal,
    });
    return { volume: attached };
  } catch (error) {
    const wait = await context.slots.learnFrom(error, signal);
    if (!wait) throw error;
    return { wait };
  } finally {
    // Kept when we were told to stop: the job goes on, and whoever continues waits for it first.
    if (!signal.aborted && current.pendingJobId !== undefined) {
      await update(context, current, { pendingJobId: undefined });
    }
  }
}

/** Checks a found device and gives it its readable name. */
export async function adoptDevice(
  context: VolumeContext,
  record: CreatedRecord,
  volume: CloudVolume,
  device: FoundDevice,
  signal: AbortSignal,
): Promise<AttachedVolume> {
  const others = (await context.records.list(context.targetId)).filter(({ id }) => id !== record.id);
  const { sizeBytes, empty } = await checkDevice(record, device);
  checkNotShared(record, device, await devicesOf(context, others));

  const persistentPath = persistentLinkPath(context.linkDir, record, others);
  await putPersistentLink(persistentPath, device.linkPath);
  const knownZero = record.knownZero && (empty || (await storagePromisesZeros(context, volume, signal)));
  const attached = await update(context, record, {
    state: 'attached',
    attachedVmId: context.applianceVmId,
    devicePath: device.linkPath,
    persistentPath,
    knownZero,
    pendingJobId: undefined,
  });
  return { record: attached, devicePath: device.linkPath, persistentPath, deviceBytes: sizeBytes, knownZero };
}

async function devicesOf(
  context: VolumeContext,
  records: readonly VolumeRecord[],
): Promise<{ record: VolumeRecord; device: FoundDevice }[]> {
  const found = await Promise.all(
    records.map(async (record) => {
      const device = record.volumeId && (await findDevice(context.deviceDir, record.volumeId));
      return device ? [{ record, device }] : [];
    }),
  );
  return found.flat();
}

/** Pools whose new volumes are files or objects that read as zeros. Thick LVM (CLVM) shows what lay there before. */
const zeroedPoolTypes = new Set(['Filesystem', 'NetworkFilesystem', 'SharedMountPoint', 'RBD']);

/** False also where the account may not see the pool: unproven is not zero. */
async function storagePromisesZeros(
  context: VolumeContext,
  volume: CloudVolume,
  signal: AbortSignal,
): Promise<boolean> {
  // Zeros of the storage decrypt to noise.
  if (volume.encrypted || volume.storagePoolId === undefined) return false;
  try {
    const [pool] = await context.client.listStoragePools(volume.storagePoolId, signal);
    return pool !== undefined && zeroedPoolTypes.has(pool.type);
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.unsupported', 'cloudstack.unauthorized', 'cloudstack.account'))
      return false;
    throw error;
  }
}

/** The volume was removed behind our back. */
export function volumeGone(record: VolumeRecord): OsseaError {
  return new OsseaError(
    'request.not-found',
    `The volume ${record.name} (${record.volumeId}) of ${record.diskLabel} of ${record.vmName} is not in CloudStack any more.`,
    { remedy: 'Remove the replica of this workload and replicate it anew.' },
  );
}

function deviceMissing(context: VolumeContext, record: CreatedRecord): OsseaError {
  return new OsseaError(
    'volume.device-missing',
    `CloudStack has attached ${record.name}, but no device of ${record.volumeId} appeared in ${context.deviceDir} within ${Math.round(context.deviceTimeoutMs / 1000)} s.`,
    {
      remedy: `Check on the appliance: ls -l ${context.deviceDir}, dmesg. A kernel without hot-plug needs a restart of the appliance.`,
      retryable: true,
    },
  );
}
