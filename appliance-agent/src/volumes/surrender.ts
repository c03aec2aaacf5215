import { ownerTag } from '../cloudstack/ownership.ts';
import { lookAgain, settle } from '../cloudstack/settle.ts';
import { deleteTags } from '../cloudstack/tags.ts';
import { OsseaError } from '../contract/index.ts';
import { assertCreated, finishPendingJob, update, type VolumeContext } from './volumeContext.ts';
import { findLiveVolume } from './volumeFinder.ts';
import { assertOurs } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/**
 * Leaves a volume to the VM that it is in, for good: the record ends, and our tag goes, so that nobody takes the volume for a
 * stray of ours. May be repeated.
 */
export async function surrenderVolume(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  const record = before.state === 'surrendered' ? before : await giveUp(context, before, signal);
  const tagged = async () => {
    const seen = await findLiveVolume(context.client, record, signal);
    return seen?.tags[ownerTag] === record.id ? seen : undefined;
  };
  const volume = await tagged();
  if (volume) {
    await settle({
      subject: `the removal of our tag from ${record.name}`,
      act: () => deleteTags(context.client, 'Volume', [volume.id], [ownerTag], { signal }),
      look: async () => ((await tagged()) ? undefined : true),
      pauseMs: context.pauseMs,
      signal,
    });
  }
  return record;
}

async function giveUp(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  assertCreated(before);
  const settled = await finishPendingJob(context, before, signal);
  assertCreated(settled);
  const find = () => findLiveVolume(context.client, settled, signal);
  const volume = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  // Whoever has the VM may have deleted it: there is nothing to be kept, and nothing to be looked after.
  if (!volume) return await update(context, settled, { state: 'surrendered', attachedVmId: undefined });
  assertOurs(settled, volume);
  if (settled.state !== 'in-vm' || volume.attachedVmId === undefined) {
    throw new OsseaError(
      'request.conflict',
      `The volume ${settled.name} is ${settled.state}; only a volume in a VM can be left to it.`,
      { remedy: 'Attach it to the VM first.' },
    );
  }
  return await update(context, settled, { state: 'surrendered', attachedVmId: volume.attachedVmId });
}
