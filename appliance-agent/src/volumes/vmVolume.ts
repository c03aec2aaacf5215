import type { CloudVolume } from '../cloudstack/client.ts';
import { findVm } from '../cloudstack/machines.ts';
import { lookAgain, settle } from '../cloudstack/settle.ts';
import { attachVolume as attachInCloud, detachVolume as detachInCloud } from '../cloudstack/volumes.ts';
import { type CloudId, OsseaError } from '../contract/index.ts';
import { followPoolFile } from './poolFile.ts';
import {
  assertCreated,
  type CreatedRecord,
  finishPendingJob,
  inVmStates,
  onApplianceStates,
  update,
  type VolumeContext,
  withPendingJob,
} from './volumeContext.ts';
import { attachedElsewhere, heldByAppliance, heldByVm, volumeGone } from './volumeErrors.ts';
import { findLiveVolume } from './volumeFinder.ts';
import { assertOurs } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** Volumes in other VMs than the appliance's: the ones that are made of them. */

/**
 * Attaches a volume to a VM, or goes on with what an earlier call began.
 * @param deviceId 0 makes it the root disk; the VM must be stopped and have none
 */
export async function attachToVm(
  context: VolumeContext,
  before: VolumeRecord,
  place: { readonly vmId: CloudId; readonly deviceId?: number | undefined },
  signal: AbortSignal,
): Promise<VolumeRecord> {
  assertCreated(before);
  assertNotOnAppliance(before);
  if (before.attachedVmId !== undefined && before.attachedVmId !== place.vmId) throw heldByVm(before);
  const settled = await finishPendingJob(context, before, signal);
  const record = await update(context, settled, {
    state: 'joining-vm',
    attachedVmId: place.vmId,
    vmDeviceId: place.deviceId,
  });
  assertCreated(record);
  await context.vmTurns.take(place.vmId, signal, () => join(context, record, place, signal));
  return await update(context, record, { state: 'in-vm', pendingJobId: undefined });
}

async function join(
  context: VolumeContext,
  record: CreatedRecord,
  { vmId, deviceId }: { readonly vmId: CloudId; readonly deviceId?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  const volume = await requireVolume(context, record, signal);
  if (volume.attachedVmId === vmId) return assertPlace(record, volume, deviceId);
  if (volume.attachedVmId !== undefined) throw attachedElsewhere(record, volume);
  const attached = await withPendingJob(context, record, signal, (onAccepted) =>
    settle({
      subject: `the attaching of ${record.name} to the VM ${vmId}`,
      act: () => attachInCloud(context.client, record.volumeId, vmId, { signal, deviceId, onAccepted }),
      look: async () => {
        const seen = await findLiveVolume(context.client, record, signal);
        return seen?.attachedVmId === vmId ? seen : undefined;
      },
      pauseMs: context.pauseMs,
      signal,
    }),
  );
  assertPlace(record, attached, deviceId);
}

/** The root disk is told by its type: CloudStack's device ids are not to be trusted. */
function assertPlace(record: VolumeRecord, volume: CloudVolume, deviceId: number | undefined): void {
  if ((deviceId === 0) === (volume.type === 'ROOT')) return;
  throw new OsseaError(
    'volume.device-mismatch',
    `The volume ${record.name} is attached to the VM ${volume.attachedVmId} as ${volume.type}, not as ${deviceId === 0 ? 'its root disk' : 'a data disk'}.`,
    { remedy: 'Stop the VM and detach the volume, then try again.' },
  );
}

/**
 * Takes a volume out of the VM that has it, or that is not there any more. A root disk comes only out of a stopped VM.
 * @throws OsseaError cloudstack.in-use for the root disk of a VM that runs; request.not-found for a volume that went with its VM, once: it is in none then
 */
export async function detachFromVm(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  if (!inVmStates.has(before.state)) return before;
  assertCreated(before);
  const settled = await finishPendingJob(context, await followPoolFile(context, before, signal), signal);
  assertCreated(settled);
  const find = () => findLiveVolume(context.client, settled, signal);
  const look = { pauseMs: context.pauseMs, signal };
  // A list may answer what it answered before the volume joined the VM; taken at its word, the VM would keep it for good.
  const held = await lookAgain(async () => {
    const volume = await find();
    return volume?.attachedVmId === undefined ? undefined : volume;
  }, look);
  const seen = held ?? (await lookAgain(find, look));
  const vmId = seen?.attachedVmId;
  if (seen && vmId !== undefined) {
    assertOurs(settled, seen);
    if (settled.attachedVmId !== undefined && vmId !== settled.attachedVmId) {
      throw attachedElsewhere(settled, seen);
    }
    await assertStoppedFor(context, settled, seen, vmId, signal);
    const intent = await update(context, settled, { state: 'leaving-vm', attachedVmId: vmId });
    assertCreated(intent);
    await context.vmTurns.take(vmId, signal, () => leave(context, intent, signal));
  }
  const detached = await update(context, settled, {
    state: 'detached',
    attachedVmId: undefined,
    vmDeviceId: undefined,
    pendingJobId: undefined,
  });
  if (!seen) throw volumeGone(settled);
  return detached;
}

async function leave(context: VolumeContext, record: CreatedRecord, signal: AbortSignal): Promise<void> {
  await withPendingJob(context, record, signal, (onAccepted) =>
    settle({
      subject: `the detaching of ${record.name} from the VM ${record.attachedVmId}`,
      act: () => detachInCloud(context.client, record.volumeId, { signal, onAccepted }),
      look: async () => {
        const seen = await findLiveVolume(context.client, record, signal);
        return seen?.attachedVmId === undefined ? true : undefined;
      },
      pauseMs: context.pauseMs,
      signal,
    }),
  );
}

async function assertStoppedFor(
  context: VolumeContext,
  record: VolumeRecord,
  volume: CloudVolume,
  vmId: CloudId,
  signal: AbortSignal,
): Promise<void> {
  if (volume.type !== 'ROOT') return;
  const vm = await findVm(context.client, vmId, signal);
  if (vm === undefined || vm.state === 'Stopped') return;
  throw new OsseaError(
    'cloudstack.in-use',
    `The volume ${record.name} is the root disk of the VM ${vm.name}, which is ${vm.state}.`,
    { remedy: 'Stop the VM first.', retryable: true },
  );
}

/**
 * Writes down that a VM is made of the volume by other means than attaching it, before that is done, and again when the VM's
 * id is known.
 */
export async function releaseVolume(
  context: VolumeContext,
  before: VolumeRecord,
  vmId: CloudId | undefined,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  assertCreated(before);
  assertNotOnAppliance(before);
  if (before.state === 'in-vm') {
    if (vmId !== undefined && before.attachedVmId !== undefined && before.attachedVmId !== vmId) {
      throw heldByVm(before);
    }
    return vmId === undefined ? before : await update(context, before, { attachedVmId: vmId });
  }
  if (before.state !== 'detached') throw heldByVm(before);
  const volume = await requireVolume(context, before, signal);
  if (volume.attachedVmId !== undefined && volume.attachedVmId !== vmId) {
    throw attachedElsewhere(before, volume);
  }
  return await update(context, before, { state: 'in-vm', attachedVmId: vmId, vmDeviceId: 0 });
}

/**
 * Writes down where CloudStack has a volume that was released: in a VM, or free again. Nothing is changed there, but that a file which was let go
 * for an import, and is no VM's, becomes a volume again.
 */
export async function adoptVolume(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  if (!inVmStates.has(before.state)) return before;
  assertCreated(before);
  const settled = await finishPendingJob(context, await followPoolFile(context, before, signal), signal);
  assertCreated(settled);
  const volume = await requireVolume(context, settled, signal);
  return volume.attachedVmId === undefined
    ? await update(context, settled, { state: 'detached', attachedVmId: undefined, vmDeviceId: undefined })
    : await update(context, settled, { state: 'in-vm', attachedVmId: volume.attachedVmId });
}

async function requireVolume(
  context: VolumeContext,
  record: CreatedRecord,
  signal: AbortSignal,
): Promise<CloudVolume> {
  const find = () => findLiveVolume(context.client, record, signal);
  const volume = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  if (!volume) throw volumeGone(record);
  assertOurs(record, volume);
  return volume;
}

function assertNotOnAppliance(record: VolumeRecord): void {
  if (onApplianceStates.has(record.state)) throw heldByAppliance(record);
}
