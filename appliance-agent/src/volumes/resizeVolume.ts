import type { CloudVolume } from '../cloudstack/client.ts';
import { lookAgain, settle } from '../cloudstack/settle.ts';
import { resizeVolume as resizeInCloud } from '../cloudstack/volumes.ts';
import { OsseaError } from '../contract/index.ts';
import type { ByteRange } from '../disk/extent.ts';
import {
  assertCreated,
  finishPendingJob,
  update,
  type VolumeContext,
  withPendingJob,
} from './volumeContext.ts';
import { volumeGone } from './volumeErrors.ts';
import { findLiveVolume } from './volumeFinder.ts';
import { assertOurs, ceilToGib, gibToBytes } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';
import { storagePromisesZeros } from './zeroedStorage.ts';

/** A volume that holds a larger disk now. */
export interface ResizedVolume {
  readonly record: VolumeRecord;
  /** What the volume got in addition; empty where its last GiB had room enough. */
  readonly grown: ByteRange;
  /** True where the storage promises that `grown` reads as zeros. */
  readonly grownKnownZero: boolean;
}

/**
 * Makes a detached volume large enough for a disk that grew. It must be detached, since the kernel and whoever holds the device
 * would go on with the old size. May be repeated.
 * @param bytes the disk's capacity now; never less than before
 */
export async function resizeVolume(
  context: VolumeContext,
  before: VolumeRecord,
  bytes: number,
  signal: AbortSignal,
): Promise<ResizedVolume> {
  assertCreated(before);
  if (before.state !== 'detached') {
    throw new OsseaError(
      'request.conflict',
      `The volume ${before.name} is ${before.state}; it can grow only while it is detached.`,
      { remedy: 'Detach it first.' },
    );
  }
  if (bytes < before.requestedBytes) {
    throw new OsseaError(
      'request.invalid',
      `The volume ${before.name} holds a disk of ${before.requestedBytes} bytes and is not made smaller, to ${bytes}.`,
      { field: 'bytes', value: String(bytes) },
    );
  }
  const settled = await finishPendingJob(context, before, signal);
  assertCreated(settled);
  const find = () => findLiveVolume(context.client, settled, signal);
  const volume = await lookAgain(find, { pauseMs: context.pauseMs, signal });
  if (!volume) throw volumeGone(settled);
  assertOurs(settled, volume);

  const wantedBytes = gibToBytes(ceilToGib(bytes));
  const isLargeEnough = (seen: CloudVolume | undefined) =>
    seen?.sizeBytes !== undefined && seen.sizeBytes >= wantedBytes ? seen : undefined;
  const grown =
    isLargeEnough(volume) ??
    (await withPendingJob(context, settled, signal, (onAccepted) =>
      settle({
        subject: `the growth of ${settled.name}`,
        act: () => resizeInCloud(context.client, settled.volumeId, ceilToGib(bytes), { signal, onAccepted }),
        look: async () => isLargeEnough(await find()),
        pauseMs: context.pauseMs,
        signal,
      }),
    ));
  const sizeBytes = grown.sizeBytes ?? wantedBytes;
  const length = sizeBytes - settled.sizeBytes;
  return {
    record: await update(context, settled, { requestedBytes: bytes, sizeBytes }),
    grown: { offset: settled.sizeBytes, length },
    grownKnownZero: length > 0 && (await storagePromisesZeros(context, grown, signal)),
  };
}
