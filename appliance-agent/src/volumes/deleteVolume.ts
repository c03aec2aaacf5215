import { lookAgain, settle } from '../cloudstack/settle.ts';
import { deleteVolume as deleteInCloud } from '../cloudstack/volumes.ts';
import { ensureTag } from './createVolume.ts';
import { detachVolume } from './detachVolume.ts';
import { detachFromVm } from './vmVolume.ts';
import { finishPendingJob, inVmStates, update, type VolumeContext } from './volumeContext.ts';
import { attachedElsewhere, heldByVm, notOursAnyMore } from './volumeErrors.ts';
import { findCreated, findLiveVolume } from './volumeFinder.ts';
import { assertOurs } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** Deletes a volume for good, from any state, if it is proven to be ours. */
export async function deleteVolume(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<void> {
  if (before.state === 'deleted') return;
  if (before.state === 'surrendered') throw notOursAnyMore(before);
  const detached = await takeOut(context, before, signal);
  const find = () => findLiveVolume(context.client, detached, signal);
  const volume = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  if (volume) {
    assertOurs(detached, volume);
    if (volume.attachedVmId !== undefined) throw attachedElsewhere(detached, volume);
    const intent = await update(context, detached, { state: 'deleting' });
    await settle({
      subject: `the deletion of ${intent.name}`,
      act: () => deleteInCloud(context.client, volume.id, { signal }),
      look: async () => ((await find()) ? undefined : true),
      pauseMs: context.pauseMs,
      signal,
    });
  }
  await update(context, detached, { state: 'deleted', attachedVmId: undefined });
}

/** Brings a volume of any state to where it can be deleted. */
async function takeOut(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  if (before.state === 'deleting') return before;
  if (before.state === 'creating') return await finishTagging(context, before, signal);
  if (!inVmStates.has(before.state)) return await detachVolume(context, before, signal);
  // What a guest wrote into a replica is the workload now. A clone goes with its test, perhaps it has gone with the VM.
  if (before.role !== 'clone') throw heldByVm(before);
  const find = () => findLiveVolume(context.client, before, signal);
  const there = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  return there ? await detachFromVm(context, before, signal) : before;
}

/** A creation that ended between the volume and its tag is finished first, so that the proof of ownership is whole. */
async function finishTagging(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  const record = await finishPendingJob(context, before, signal);
  const find = () => findCreated(context, record, signal);
  const volume = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  if (!volume) return record;
  const found = await update(context, record, { volumeId: volume.id });
  await ensureTag(context, found, volume, signal);
  return found;
}
