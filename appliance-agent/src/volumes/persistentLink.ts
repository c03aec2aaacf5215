import { mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { tokenOf } from '../cloudstack/ownership.ts';
import { nameForPeople } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/**
 * The readable name of a disk on the appliance: `<vm>-<disk>`. Where workloads have VMs and disks of the same names, the
 * oldest keeps the plain name and the others have their token behind it, so that no name changes hands.
 */
export function persistentLinkPath(
  linkDir: string,
  record: VolumeRecord,
  others: readonly VolumeRecord[],
): string {
  const plain = plainName(record);
  const age = ({ createdAt, id }: VolumeRecord) => `${createdAt} ${id}`;
  const taken = others.some((other) => plainName(other) === plain && age(other) < age(record));
  return join(linkDir, taken ? `${plain}-${tokenOf(record.id)}` : plain);
}

function plainName(record: VolumeRecord): string {
  return `${nameForPeople(record.vmName, 64)}-${nameForPeople(record.diskLabel, 32)}`;
}

/** Points the readable name to the device's link by id, in one step. */
export async function putPersistentLink(path: string, deviceLink: string): Promise<void> {
  const temporary = `${path}.new`;
  await mkdir(join(path, '..'), { recursive: true, mode: 0o755 });
  await rm(temporary, { force: true });
  await symlink(deviceLink, temporary);
  await rename(temporary, path);
}

/** Removes the readable names that point to one of the device's links. */
export async function removePersistentLinks(linkDir: string, deviceLinks: readonly string[]): Promise<void> {
  for (const name of await readdir(linkDir).catch(() => [])) {
    const path = join(linkDir, name);
    const target = await readlink(path).catch(() => undefined);
    if (target !== undefined && deviceLinks.includes(target)) await rm(path, { force: true });
  }
}
