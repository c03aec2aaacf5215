import type { CloudVolume } from '../cloudstack/client.ts';
import { ownerTag } from '../cloudstack/ownership.ts';
import { lookAgain, settle } from '../cloudstack/settle.ts';
import { ensureTags } from '../cloudstack/tags.ts';
import type { PoolFile } from '../cloudstack/vmMethods/rootVolume.ts';
import { findVolume, listVolumes, renameVolume } from '../cloudstack/volumes.ts';
import { OsseaError } from '../contract/index.ts';
import { assertCreated, finishPendingJob, update, type VolumeContext } from './volumeContext.ts';
import { volumeGone } from './volumeErrors.ts';
import { findLiveVolume } from './volumeFinder.ts';
import { assertOurs } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/**
 * Lets CloudStack forget a released volume; its file stays on the pool, and the record says where. For administrators.
 * @throws OsseaError cloudstack.unsupported where the account does not see where the volume lies
 */
export async function unmanageVolume(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<PoolFile> {
  assertCreated(before);
  const { volumeId } = before;
  const find = () => findLiveVolume(context.client, before, signal);
  const volume = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  if (!volume) {
    if (before.poolFile) return before.poolFile;
    throw volumeGone(before);
  }
  assertOurs(before, volume);
  const poolFile = placeOf(before, volume);
  await update(context, before, { poolFile });
  await settle({
    subject: `the letting go of ${before.name}`,
    act: async () => {
      await context.client.callAsync('unmanageVolume', { id: volumeId }, { signal });
    },
    look: async () => ((await find()) ? undefined : true),
    pauseMs: context.pauseMs,
    signal,
  });
  return poolFile;
}

function placeOf(record: VolumeRecord, { storagePoolId, path }: CloudVolume): PoolFile {
  if (storagePoolId !== undefined && path !== undefined) return { storageId: storagePoolId, path };
  throw new OsseaError(
    'cloudstack.unsupported',
    `CloudStack does not tell this account on which storage the volume ${record.name} lies.`,
    { remedy: 'Use keys of an administrator, or choose a template so that no import is needed.' },
  );
}

/**
 * Finds the volume that CloudStack has made of a record's file since it was let go, by an import of a VM or by ours, and makes it the
 * record's. Where there is none, the file is taken in again as a data volume. Records of other volumes come back as they are.
 */
export async function followPoolFile(
  context: VolumeContext,
  before: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  const { poolFile } = before;
  if (!poolFile) return before;
  const record = await finishPendingJob(context, before, signal);
  const known = await findLiveVolume(context.client, record, signal);
  if (known) return await update(context, record, { poolFile: undefined });
  const look = async () => {
    const volumes = await listVolumes(context.client, {}, signal);
    return volumes.find(
      ({ storagePoolId, path, tags }) =>
        storagePoolId === poolFile.storageId &&
        path === poolFile.path &&
        [undefined, record.id].includes(tags[ownerTag]),
    );
  };
  const made =
    (await lookAgain(look, { pauseMs: context.pauseMs, signal })) ??
    (await settle({
      subject: `the import of the volume ${record.name}`,
      act: async () => {
        await context.client.callAsync(
          'importVolume',
          {
            storageid: poolFile.storageId,
            path: poolFile.path,
            name: record.name,
            diskofferingid: record.diskOfferingId,
          },
          { signal },
        );
      },
      look,
      pauseMs: context.pauseMs,
      signal,
    }));
  const find = () => findVolume(context.client, made.id, signal);
  if (made.name !== record.name) {
    await settle({
      subject: `the naming of ${record.name}`,
      act: () => renameVolume(context.client, made.id, record.name, { signal }),
      look: async () => ((await find())?.name === record.name ? true : undefined),
      pauseMs: context.pauseMs,
      signal,
    });
  }
  await ensureTags(context.client, 'Volume', made, { ownerId: record.id }, find, {
    signal,
    pauseMs: context.pauseMs,
  });
  return await update(context, record, { volumeId: made.id, poolFile: undefined });
}
