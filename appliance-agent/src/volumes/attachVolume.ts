import type { CloudVolume } from '../cloudstack/client.ts';
import { lookAgain, settle } from '../cloudstack/settle.ts';
import { attachVolume as attachInCloud } from '../cloudstack/volumes.ts';
import { OsseaError } from '../contract/index.ts';
import { type AttachWait, findRefusal } from './attachSlots.ts';
import { checkDevice, checkNotShared } from './deviceCheck.ts';
import { type FoundDevice, findDevice, waitForDevice } from './deviceLink.ts';
import { persistentLinkPath, putPersistentLink } from './persistentLink.ts';
import {
  assertCreated,
  type CreatedRecord,
  deviceRecheckMs,
  finishPendingJob,
  inVmStates,
  update,
  type VolumeContext,
  withPendingJob,
} from './volumeContext.ts';
import { attachedElsewhere, heldByVm, volumeGone } from './volumeErrors.ts';
import { findLiveVolume } from './volumeFinder.ts';
import { assertOurs } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';
import { storagePromisesZeros } from './zeroedStorage.ts';

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
  if (inVmStates.has(before.state)) throw heldByVm(before);
  const settled = await finishPendingJob(context, before, signal);
  const intent = await update(context, settled, { state: 'attaching', attachedVmId: context.applianceVmId });
  assertCreated(intent);

  const deadline = performance.now() + context.deviceTimeoutMs;
  for (;;) {
    const volume = await plug(context, intent, signal, onWaiting);
    const waitMs = Math.min(
      deviceRecheckMs,
      context.deviceTimeoutMs,
      Math.max(0, deadline - performance.now()),
    );
    const device = await waitForDevice(context.deviceDir, intent.volumeId, waitMs, signal);
    if (device) return await adoptDevice(context, intent, volume, device, signal);
    if (performance.now() >= deadline) throw deviceMissing(context, intent);
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
  if (volume.attachedVmId !== undefined) throw attachedElsewhere(record, volume);
  const full = await context.slots.whyFull(signal);
  if (full) return { wait: full };

  try {
    const attached = await withPendingJob(context, record, signal, (onAccepted) =>
      settle({
        subject: `the attaching of ${record.name}`,
        act: () =>
          attachInCloud(context.client, record.volumeId, context.applianceVmId, { signal, onAccepted }),
        look: async () => {
          const seen = await find();
          return seen?.attachedVmId === context.applianceVmId ? seen : undefined;
        },
        isFinal: (error) => findRefusal(error) !== undefined,
        pauseMs: context.pauseMs,
        signal,
      }),
    );
    return { volume: attached };
  } catch (error) {
    const wait = await context.slots.learnFrom(error, signal);
    if (!wait) throw error;
    return { wait };
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
