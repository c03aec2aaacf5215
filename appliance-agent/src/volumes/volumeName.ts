import type { CloudVolume } from '../cloudstack/client.ts';
import { namePrefix, ownerTag, tokenOf } from '../cloudstack/ownership.ts';
import { OsseaError } from '../contract/index.ts';
import type { VolumeRecord } from './volumeRecords.ts';

const gib = 1024 ** 3;

/** Letters, digits and single dashes: fits CloudStack, a file name and a shell. */
export function nameForPeople(text: string, longest: number): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-+|-+$/g, '');
  return plain || 'unnamed';
}

/** `ossea-<vm>-<disk>-<token>`. */
export function volumeName(vmName: string, diskLabel: string, recordId: string): string {
  return `${namePrefix}${nameForPeople(vmName, 40)}-${nameForPeople(diskLabel, 24)}-${tokenOf(recordId)}`;
}

/** The next whole GiB, which is CloudStack's unit; never rounded down. */
export function ceilToGib(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / gib));
}

/** The volume's size in bytes for so many GiB. */
export function gibToBytes(count: number): number {
  return count * gib;
}

/** Why a volume is not the record's, or undefined when name and tag prove that it is. */
export function whyForeign(record: VolumeRecord, volume: CloudVolume): string | undefined {
  if (record.volumeId !== undefined && record.volumeId !== volume.id) {
    return `its id is not the recorded ${record.volumeId}`;
  }
  if (volume.name !== record.name) return `it is named ${volume.name}`;
  const owner = volume.tags[ownerTag];
  if (owner === undefined) return `it has no tag ${ownerTag}`;
  if (owner !== record.id) return `its tag ${ownerTag} names another owner`;
  return undefined;
}

/** @throws OsseaError volume.foreign unless record, name and tag agree */
export function assertOurs(record: VolumeRecord, volume: CloudVolume): void {
  const reason = whyForeign(record, volume);
  if (reason !== undefined) throw foreign(record, volume, reason);
}

export function foreign(record: VolumeRecord, volume: CloudVolume, reason: string): OsseaError {
  return new OsseaError(
    'volume.foreign',
    `The volume ${volume.id} is not touched as ${record.name}: ${reason}.`,
    {
      remedy: `Look at the volume in CloudStack. If it is the replica, give it back the name ${record.name} and the tag ${ownerTag}=${record.id}.`,
      value: volume.id,
    },
  );
}
