import { isOsseaError, type MoRef, OsseaError, type VirtualDisk } from '../contract/index.ts';
import { readDevices, readDisks } from './devices.ts';
import { managedObject, readReference } from './managedObject.ts';
import { readProperties } from './propertyCollector.ts';
import { runTask, runVmTask, type Service, type TaskOptions, vmProperties } from './service.ts';
import { waitForTask } from './tasks.ts';
import { readSnapshots } from './virtualMachine.ts';
import { children, text } from './xml.ts';

export interface SnapshotOptions {
  readonly name: string;
  readonly description: string;
  readonly quiesce: boolean;
}

const minute = 60_000;
/** Busy disks take hours to consolidate. */
const consolidationMs = 240 * minute;

/** Takes a snapshot of all disks, without memory, or finds the one of its name. @throws OsseaError `vsphere.task-failed`, … */
export async function createSnapshot(
  service: Service,
  vm: MoRef,
  { name, description, quiesce }: SnapshotOptions,
  signal?: AbortSignal,
): Promise<MoRef> {
  // A task of ours whose answer was lost may still run: then its snapshot is the one.
  await settleSnapshotTasks(service, vm, signal);
  const existing = await findSnapshot(service, vm, name, signal);
  if (existing) return existing;
  try {
    const members = { name, description, memory: false, quiesce };
    const options = { timeoutMs: 30 * minute, signal };
    const snapshot = readReference(await runVmTask(service, 'CreateSnapshot_Task', vm, members, options));
    if (snapshot) return snapshot.value;
  } catch (error) {
    // A task that vanished from the server (ESXi forgets them) is judged by what it made.
    if (!isOsseaError(error, 'vsphere.not-found')) throw error;
  }
  const made = await findSnapshot(service, vm, name, signal);
  if (made) return made;
  throw new OsseaError('vsphere.task-failed', `The snapshot ${name} of ${vm} was not made.`, {
    remedy: 'Look at the tasks and events of the VM in vCenter.',
    retryable: true,
  });
}

/** The snapshot of exactly this name. Names are our tokens. */
export async function findSnapshot(
  service: Service,
  vm: MoRef,
  name: string,
  signal?: AbortSignal,
): Promise<MoRef | undefined> {
  const properties = await vmProperties(service, vm, ['snapshot.rootSnapshotList'], signal);
  const trees = children(properties.get('snapshot.rootSnapshotList'), 'VirtualMachineSnapshotTree');
  return readSnapshots(trees, undefined).find((node) => node.name === name)?.moRef;
}

/** The disks as a snapshot holds them, with changeId and file. */
export async function snapshotDisks(
  { session, content }: Service,
  snapshot: MoRef,
  signal?: AbortSignal,
): Promise<VirtualDisk[]> {
  const on = managedObject('VirtualMachineSnapshot', snapshot);
  const path = 'config.hardware.device';
  const properties = await readProperties(session, content.collector, on, [path], signal);
  return readDisks(readDevices(properties.get(path)), new Map());
}

/** Removes one snapshot, not its children, and waits for the consolidation. */
export async function removeSnapshot(
  service: Service,
  snapshot: MoRef,
  { consolidate, ...options }: TaskOptions & { readonly consolidate: boolean },
): Promise<void> {
  const on = managedObject('VirtualMachineSnapshot', snapshot);
  await runTask(service, 'RemoveSnapshot_Task', on, { removeChildren: false, consolidate }, options);
}

/** Merges delta files that a removal left behind. */
export async function consolidateDisks(service: Service, vm: MoRef, signal?: AbortSignal): Promise<void> {
  await runVmTask(service, 'ConsolidateVMDisks_Task', vm, {}, { timeoutMs: consolidationMs, signal });
}

/**
 * Switches changed block tracking on, and makes it count by the stun of a snapshot that is removed at once (Broadcom KB 320557). The VM
 * must have no snapshot.
 */
export async function enableChangeTracking(
  service: Service,
  vm: MoRef,
  snapshotName: string,
  signal?: AbortSignal,
): Promise<void> {
  const spec = { changeTrackingEnabled: true };
  await runVmTask(service, 'ReconfigVM_Task', vm, { spec }, { timeoutMs: 10 * minute, signal });
  const description = 'Switches changed block tracking on; removed at once.';
  const snapshot = await createSnapshot(
    service,
    vm,
    { name: snapshotName, description, quiesce: false },
    signal,
  );
  await removeSnapshot(service, snapshot, { consolidate: true, timeoutMs: consolidationMs, signal });
}

/** Waits for snapshot tasks that run on the VM now; how they end does not matter here. */
async function settleSnapshotTasks(
  service: Service,
  vm: MoRef,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { session, content } = service;
  const properties = await vmProperties(service, vm, ['recentTask'], signal);
  for (const recent of children(properties.get('recentTask'), 'ManagedObjectReference')) {
    const task = managedObject('Task', text(recent) ?? '');
    try {
      const paths = ['info.state', 'info.descriptionId'];
      const info = await readProperties(session, content.collector, task, paths, signal);
      const state = text(info.get('info.state'));
      const running = state === 'running' || state === 'queued';
      if (running && /(create|remove)(All)?Snapshot/i.test(text(info.get('info.descriptionId')) ?? '')) {
        const options = { timeoutMs: consolidationMs, signal };
        await waitForTask(session, content.collector, task, `A snapshot task of ${vm}`, options);
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isOsseaError(error)) throw error;
    }
  }
}
