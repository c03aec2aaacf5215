import { type InventoryObject, isOsseaError, type MissingPrivilege } from '../contract/index.ts';
import { type ManagedObject, managedObject, reference } from './managedObject.ts';
import type { SoapSession } from './soapSession.ts';
import { boolean, children, text } from './xml.ts';

/** What the account needs, where, and for what. Source: migratekit's README, after Azure Migrate's list. */
const onVms: Readonly<Record<string, string>> = {
  'VirtualMachine.State.CreateSnapshot': 'a consistent point of all disks',
  'VirtualMachine.State.RemoveSnapshot': 'removing our snapshots',
  'VirtualMachine.Config.ChangeTracking': 'changed block tracking',
  'VirtualMachine.Config.DiskLease': 'reading disks',
  'VirtualMachine.Provisioning.DiskRandomRead': 'reading disks',
  'VirtualMachine.Provisioning.DiskRandomAccess': 'reading disks',
  'VirtualMachine.Provisioning.GetVmFiles': 'reading disks',
  'VirtualMachine.Interact.PowerOff': 'the final cutover',
  'VirtualMachine.Interact.PowerOn': 'rolling back',
  'VirtualMachine.Config.EditDevice': 'fencing the source',
  'VirtualMachine.Config.Settings': 'fencing the source',
  'VirtualMachine.Config.Rename': 'fencing the source',
};
const onDatastores: Readonly<Record<string, string>> = {
  'Datastore.Browse': 'reading disks by /folder',
  'Datastore.FileManagement': 'reading disks by /folder',
};

/**
 * The privileges that the account lacks, each with the object. Asked of the root folder, from which roles propagate, and of each
 * datastore; a server that cannot be asked (an old or simulated one) lacks nothing that we know of.
 */
export async function findMissingPrivileges(
  session: SoapSession,
  authorizationManager: ManagedObject | undefined,
  userName: string,
  root: ManagedObject,
  datastores: readonly Pick<InventoryObject, 'moRef' | 'name'>[],
  signal?: AbortSignal,
): Promise<MissingPrivilege[]> {
  if (!authorizationManager) return [];
  const questions = [
    { object: root, name: 'the root folder', needed: onVms },
    ...datastores.map(({ moRef, name }) => ({
      object: managedObject('Datastore', moRef),
      name,
      needed: onDatastores,
    })),
  ];
  const missing: MissingPrivilege[] = [];
  for (const { object, name, needed } of questions) {
    const granted = await grantedOn(
      session,
      authorizationManager,
      userName,
      object,
      Object.keys(needed),
      signal,
    );
    for (const [privilege, neededFor] of Object.entries(needed)) {
      if (granted && !granted.has(privilege)) {
        missing.push({ privilege, object: object.value, objectName: name, neededFor });
      }
    }
  }
  return missing;
}

/** Whether the account has a privilege at an object; true at a server that cannot be asked. */
export async function hasPrivilege(
  session: SoapSession,
  authorizationManager: ManagedObject | undefined,
  userName: string,
  object: ManagedObject,
  privilege: string,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!authorizationManager) return true;
  const granted = await grantedOn(session, authorizationManager, userName, object, [privilege], signal);
  return granted?.has(privilege) ?? true;
}

async function grantedOn(
  session: SoapSession,
  authorizationManager: ManagedObject,
  userName: string,
  object: ManagedObject,
  privileges: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string> | undefined> {
  try {
    const answer = await session.call(
      'HasUserPrivilegeOnEntities',
      authorizationManager,
      { entities: reference(object), userName, privId: [...privileges] },
      signal,
    );
    const found = children(answer, 'privAvailability').filter((one) => boolean(one, 'isGranted'));
    return new Set(found.map((one) => text(one, 'privId') ?? ''));
  } catch (error) {
    if (!isOsseaError(error, 'vsphere.fault', 'vsphere.task-failed', 'vsphere.protocol')) throw error;
    return undefined;
  }
}
