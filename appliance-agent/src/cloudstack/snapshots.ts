import { type CloudId, isOsseaError, type VolumeId } from '../contract/index.ts';
import { CloudSnapshot } from './answers.ts';
import type { CloudStackClient, Parameters } from './client.ts';
import { belongsTo, ownerTag, tokenOf } from './ownership.ts';
import { lookWhenSettled } from './pendingWork.ts';
import { type EffectOptions, lookAgain, settle } from './settle.ts';
import { ensureTags } from './tags.ts';

/** Snapshots of single volumes. While one is being taken, its volume can be neither attached nor detached. */

export interface SnapshotFilter {
  readonly id?: CloudId | undefined;
  readonly volumeId?: VolumeId | undefined;
  /** A part of the name. */
  readonly keyword?: string | undefined;
  readonly tag?: { readonly key: string; readonly value?: string | undefined } | undefined;
}

/** States that come to an end by themselves. */
const passing: ReadonlySet<string> = new Set([
  'Allocated',
  'Creating',
  'CreatedOnPrimary',
  'BackingUp',
  'Copying',
]);

const gone: ReadonlySet<string> = new Set(['Destroying', 'Destroyed']);

export function listSnapshots(
  client: CloudStackClient,
  filter: SnapshotFilter,
  signal?: AbortSignal,
): Promise<CloudSnapshot[]> {
  const parameters: Parameters = {
    id: filter.id,
    volumeid: filter.volumeId,
    keyword: filter.keyword,
    ...(filter.tag && { 'tags[0].key': filter.tag.key, 'tags[0].value': filter.tag.value }),
  };
  return client.list('listSnapshots', parameters, 'snapshot', CloudSnapshot, signal);
}

/** Undefined when there is none of the id (any more). */
export async function findSnapshot(
  client: CloudStackClient,
  id: CloudId,
  signal?: AbortSignal,
): Promise<CloudSnapshot | undefined> {
  try {
    const snapshots = await listSnapshots(client, { id }, signal);
    return snapshots.find((snapshot) => snapshot.id === id && !gone.has(snapshot.state));
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.parameter')) return undefined;
    throw error;
  }
}

/** The snapshot that was taken for an owner, in whatever state. One that is usable is preferred to one that failed. */
export async function findOwnSnapshot(
  client: CloudStackClient,
  ownerId: string,
  signal: AbortSignal,
): Promise<CloudSnapshot | undefined> {
  const tagged = await listSnapshots(client, { tag: { key: ownerTag, value: ownerId } }, signal);
  const named = await listSnapshots(client, { keyword: tokenOf(ownerId) }, signal);
  return [...tagged, ...named]
    .filter((snapshot) => belongsTo(snapshot, ownerId) && !gone.has(snapshot.state))
    .sort((a, b) => Number(a.state === 'Error') - Number(b.state === 'Error'))[0];
}

/** A snapshot that is to be taken. */
export interface NewSnapshot {
  /** A UUID that the caller has written down: with it the snapshot is found again. */
  readonly ownerId: string;
  readonly volumeId: VolumeId;
  /** What people read before the token in its name. */
  readonly label: string;
}

/** `ossea-<label>-<token>`. */
export function snapshotNameOf({ label, ownerId }: NewSnapshot): string {
  return `ossea-${label}-${tokenOf(ownerId)}`;
}

/**
 * Takes a snapshot, or finds the one that an earlier call took for the same owner. On most storage it is a full copy to
 * secondary storage. Resolves when its bytes are complete.
 * @throws OsseaError cloudstack.*
 */
export async function takeSnapshot(
  client: CloudStackClient,
  snapshot: NewSnapshot,
  options: EffectOptions,
): Promise<CloudSnapshot> {
  const { signal, pauseMs, onAccepted } = options;
  const name = snapshotNameOf(snapshot);
  const settled = () =>
    lookWhenSettled(client, () => findOwnSnapshot(client, snapshot.ownerId, signal), passing, signal);
  const complete = async () => {
    const found = await settled();
    return found?.state === 'BackedUp' ? found : undefined;
  };
  const earlier = options.first ? undefined : await lookAgain(complete, { pauseMs, signal });
  const taken =
    earlier ??
    (await settle({
      subject: `the snapshot ${name}`,
      act: async () => {
        const failed = await settled();
        if (failed) await deleteSnapshot(client, failed.id, options);
        await client.callAsync(
          'createSnapshot',
          {
            volumeid: snapshot.volumeId,
            name,
            'tags[0].key': ownerTag,
            'tags[0].value': snapshot.ownerId,
          },
          { signal, onAccepted },
        );
      },
      look: complete,
      pauseMs,
      signal,
    }));
  const find = () => findSnapshot(client, taken.id, signal);
  await ensureTags(client, 'Snapshot', taken, { ownerId: snapshot.ownerId }, find, options);
  return taken;
}

/** Deletes a snapshot. Resolves also when it is gone already. */
export async function deleteSnapshot(
  client: CloudStackClient,
  id: CloudId,
  { signal, pauseMs, onAccepted }: EffectOptions,
): Promise<void> {
  const find = () => lookWhenSettled(client, () => findSnapshot(client, id, signal), passing, signal);
  if (!(await lookAgain(find, { pauseMs, signal }))) return;
  await settle({
    subject: `the deletion of the snapshot ${id}`,
    act: async () => {
      await client.callAsync('deleteSnapshot', { id }, { signal, onAccepted });
    },
    look: async () => ((await find()) ? undefined : true),
    pauseMs,
    signal,
  });
}

/** How often a revert is asked for whose answers are lost. */
const reverts = 4;

/**
 * Puts the snapshot's bytes back into its volume, which must be detached or on a stopped VM. An earlier call that still works is waited for, so
 * that it does not overwrite what is written afterwards; one whose answer is lost is repeated, which costs nothing but time. After any other
 * failure the volume's content is unknown.
 * @throws OsseaError cloudstack.job-failed, cloudstack.internal also where the storage cannot revert
 */
export async function revertSnapshot(
  client: CloudStackClient,
  id: CloudId,
  { signal, onAccepted }: EffectOptions,
): Promise<void> {
  for (let left = reverts; ; left--) {
    await lookWhenSettled(client, () => findSnapshot(client, id, signal), passing, signal);
    try {
      await client.callAsync('revertSnapshot', { id }, { signal, onAccepted });
      return;
    } catch (error) {
      if (left <= 1 || !isOsseaError(error, 'cloudstack.outcome-unknown')) throw error;
    }
  }
}
