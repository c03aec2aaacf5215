import type { CloudVolume } from '../cloudstack/client.ts';
import { isOsseaError } from '../contract/index.ts';
import type { VolumeContext } from './volumeContext.ts';

/** Pools whose new space is part of a file or an object that reads as zeros. Thick LVM (CLVM) shows what lay there before. */
const zeroedPoolTypes = new Set(['Filesystem', 'NetworkFilesystem', 'SharedMountPoint', 'RBD']);

/** Whether a volume's space reads as zeros until it is written. False also where the account may not see the pool. */
export async function storagePromisesZeros(
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
