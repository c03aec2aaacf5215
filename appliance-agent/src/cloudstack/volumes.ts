import { z } from 'zod';
import { type CloudId, isOsseaError, OsseaError, VolumeId } from '../contract/index.ts';
import { CloudVolume, parseAnswer } from './answers.ts';
import type { AsyncCallOptions, CallOptions, CloudStackClient, Parameters } from './client.ts';

export interface VolumeFilter {
  readonly id?: VolumeId | undefined;
  readonly name?: string | undefined;
  /** A part of the name. */
  readonly keyword?: string | undefined;
  readonly virtualMachineId?: CloudId | undefined;
  readonly tag?: { readonly key: string; readonly value?: string | undefined } | undefined;
}

export function listVolumes(
  client: CloudStackClient,
  filter: VolumeFilter,
  signal?: AbortSignal,
): Promise<CloudVolume[]> {
  const parameters: Parameters = {
    id: filter.id,
    name: filter.name,
    keyword: filter.keyword,
    virtualmachineid: filter.virtualMachineId,
    ...(filter.virtualMachineId && { listall: true }),
    ...(filter.tag && { 'tags[0].key': filter.tag.key, 'tags[0].value': filter.tag.value }),
  };
  return client.list('listVolumes', parameters, 'volume', CloudVolume, signal);
}

/** Undefined when CloudStack knows no such volume, or only as expunged. */
export async function findVolume(
  client: CloudStackClient,
  id: VolumeId,
  signal?: AbortSignal,
): Promise<CloudVolume | undefined> {
  try {
    const volumes = await listVolumes(client, { id }, signal);
    return volumes.find((volume) => volume.id === id && volume.state !== 'Expunged');
  } catch (error) {
    // An id that never existed is refused as a parameter.
    if (isOsseaError(error, 'cloudstack.parameter')) return undefined;
    throw error;
  }
}

/** A volume that is to be made. */
export interface NewVolume {
  readonly name: string;
  readonly zoneId: CloudId;
  /** Of a custom size. */
  readonly diskOfferingId: CloudId;
  /** Whole GiB; at least the snapshot's where there is one. */
  readonly sizeGib: number;
  /** The snapshot whose bytes it begins with; undefined: it gets space at its first attach. */
  readonly snapshotId?: CloudId | undefined;
}

export async function createVolume(
  client: CloudStackClient,
  volume: NewVolume,
  options: AsyncCallOptions = {},
): Promise<VolumeId> {
  const result = await client.callAsync(
    'createVolume',
    {
      name: volume.name,
      zoneid: volume.zoneId,
      diskofferingid: volume.diskOfferingId,
      size: volume.sizeGib,
      snapshotid: volume.snapshotId,
    },
    options,
  );
  return parseAnswer(z.object({ volume: z.object({ id: VolumeId }) }), result, 'createVolume').volume.id;
}

export interface AttachOptions extends AsyncCallOptions {
  /** 0 makes it the root disk of a stopped VM; undefined lets CloudStack choose. It is not where the guest finds the disk. */
  readonly deviceId?: number | undefined;
}

/** The `deviceid` of the answer is not read: it is not where the guest finds the disk. */
export async function attachVolume(
  client: CloudStackClient,
  id: VolumeId,
  vmId: CloudId,
  options: AttachOptions = {},
): Promise<void> {
  const { deviceId, ...asynchronous } = options;
  await client.callAsync('attachVolume', { id, virtualmachineid: vmId, deviceid: deviceId }, asynchronous);
}

/** The root disk only from a stopped VM. */
export async function detachVolume(
  client: CloudStackClient,
  id: VolumeId,
  options: AsyncCallOptions = {},
): Promise<void> {
  await client.callAsync('detachVolume', { id }, options);
}

/** Deletes a detached volume for good. */
export async function deleteVolume(
  client: CloudStackClient,
  id: VolumeId,
  options: CallOptions = {},
): Promise<void> {
  const answer = await client.call('deleteVolume', { id }, options);
  const schema = z.object({ success: z.stringbool().or(z.boolean()) });
  if (parseAnswer(schema, answer, 'deleteVolume').success) return;
  throw new OsseaError('cloudstack.job-failed', `CloudStack did not delete the volume ${id}.`, {
    remedy: 'Look for the volume in CloudStack; it may be attached or have a snapshot in progress.',
    retryable: true,
  });
}

/** Grows a volume of a custom offering to `sizeGib`. */
export async function resizeVolume(
  client: CloudStackClient,
  id: VolumeId,
  sizeGib: number,
  options: AsyncCallOptions = {},
): Promise<void> {
  await client.callAsync('resizeVolume', { id, size: sizeGib }, options);
}

export async function renameVolume(
  client: CloudStackClient,
  id: VolumeId,
  name: string,
  options: AsyncCallOptions = {},
): Promise<void> {
  await client.callAsync('updateVolume', { id, name }, options);
}
