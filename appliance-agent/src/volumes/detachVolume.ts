import { join } from 'node:path';
import { lookAgain, settle } from '../cloudstack/settle.ts';
import { detachVolume as detachInCloud } from '../cloudstack/volumes.ts';
import { OsseaError } from '../contract/index.ts';
import { checkUnused } from './deviceCheck.ts';
import { deviceLinkNames, findDevice, waitForNoDevice } from './deviceLink.ts';
import { removePersistentLinks } from './persistentLink.ts';
import {
  deviceRecheckMs,
  finishPendingJob,
  onApplianceStates,
  update,
  type VolumeContext,
  withPendingJob,
} from './volumeContext.ts';
import { findLiveVolume } from './volumeFinder.ts';
import { assertOurs } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** Detaches a volume from the appliance and waits till its device is gone, whatever an earlier call had reached. */
export async function detachVolume(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  const { volumeId } = before;
  // A volume in another VM is not attached to the appliance.
  if (volumeId === undefined || !onApplianceStates.has(before.state)) return before;
  const device = await findDevice(context.deviceDir, volumeId);
  if (device) await checkUnused(before, device);

  const settled = await finishPendingJob(context, before, signal);
  const intent = await update(context, settled, { state: 'detaching' });
  const links = deviceLinkNames(volumeId).map((name) => join(context.deviceDir, name));
  await removePersistentLinks(context.linkDir, links);

  const deadline = performance.now() + context.deviceTimeoutMs;
  for (;;) {
    await context.vmTurns.take(context.applianceVmId, signal, () => unplug(context, intent, signal));
    const waitMs = Math.min(
      deviceRecheckMs,
      context.deviceTimeoutMs,
      Math.max(0, deadline - performance.now()),
    );
    if (await waitForNoDevice(context.deviceDir, volumeId, waitMs, signal)) break;
    if (performance.now() >= deadline) {
      throw new OsseaError(
        'volume.device-busy',
        `CloudStack has detached ${intent.name}, but its device is still in ${context.deviceDir} after ${Math.round(context.deviceTimeoutMs / 1000)} s.`,
        {
          remedy: 'See on the appliance what holds the device (lsof, dmesg), end it and try again.',
          retryable: true,
        },
      );
    }
  }
  context.slots.freed();
  return await update(context, intent, {
    state: 'detached',
    attachedVmId: undefined,
    devicePath: undefined,
    persistentPath: undefined,
    pendingJobId: undefined,
  });
}

/** Makes CloudStack detach the volume if it is attached to the appliance. Attached elsewhere it is not ours to detach. */
async function unplug(context: VolumeContext, record: VolumeRecord, signal: AbortSignal): Promise<void> {
  const { volumeId } = record;
  if (volumeId === undefined) return;
  const attached = async () => {
    const seen = await findLiveVolume(context.client, record, signal);
    return seen?.attachedVmId === context.applianceVmId ? seen : undefined;
  };
  const volume = await lookAgain(attached, { pauseMs: context.pauseMs, signal });
  if (!volume) return;
  assertOurs(record, volume);
  await withPendingJob(context, record, signal, (onAccepted) =>
    settle({
      subject: `the detaching of ${record.name}`,
      act: () => detachInCloud(context.client, volumeId, { signal, onAccepted }),
      look: async () => ((await attached()) ? undefined : true),
      pauseMs: context.pauseMs,
      signal,
    }),
  );
}
