import { join } from 'node:path';
import type { CopySource } from '../blockcopy/copyOptions.ts';
import {
  isOsseaError,
  type MoRef,
  type TransportChoice,
  type VirtualDisk,
  type VirtualMachine,
  type WorkloadSettings,
} from '../contract/index.ts';
import type { ByteRange } from '../disk/extent.ts';
import { chooseTransport, type TransportCapabilities } from '../transports/chooseTransport.ts';
import { withHoles } from '../transports/holeHints.ts';
import { openSource } from '../transports/openSource.ts';
import { vddkAvailability } from '../transports/vddkLibrary.ts';
import type { VsphereClient } from '../vsphere/client.ts';
import type { EngineConfig } from './parts.ts';

/** What can read disks from here. */
export async function transportCapabilities(
  config: EngineConfig,
  client: VsphereClient,
  signal: AbortSignal,
): Promise<TransportCapabilities> {
  const [vddk, mayExport] = await Promise.all([
    vddkAvailability({ libDir: config.vddkLibDir, signal }),
    client.mayExport(signal),
  ]);
  return {
    vddk,
    folder: { available: true },
    nfc: mayExport
      ? { available: true }
      : {
          available: false,
          reason: 'the vCenter account lacks the privilege VApp.Export',
          remedy: 'Add VApp.Export to the role of the vCenter account, with propagation.',
        },
  };
}

export interface SourceRequest {
  readonly client: VsphereClient;
  readonly config: EngineConfig;
  readonly vm: VirtualMachine;
  readonly snapshot: MoRef;
  /** As the snapshot's configuration shows it. */
  readonly disk: VirtualDisk;
  readonly capabilities: TransportCapabilities;
  readonly settings: WorkloadSettings;
  readonly signal: AbortSignal;
}

/** The best transport for a disk of a snapshot. @throws OsseaError `source.no-transport` */
export async function chooseSnapshotTransport(request: SourceRequest): Promise<TransportChoice> {
  const { client, vm, disk, capabilities, settings, signal } = request;
  const datastore = (await client.objects(signal)).find(({ moRef }) => moRef === disk.datastore);
  return chooseTransport({
    vm: vm.name,
    disk,
    datastoreType: datastore?.detail,
    capabilities,
    preference: settings.transport,
  });
}

/**
 * Opens a disk of a snapshot by the transport that was chosen.
 * @param findHoles given where holes are worth finding, by what change tracking tells; not where it is itself to be checked, nor where only changed
 *   blocks are read: finding them costs a question about the whole disk, and reads that put the answer to the test
 * @param findHoles.data ranges that are read whatever it tells, as they held data before
 * @throws OsseaError `source.*`, `vddk.*`
 */
export async function openSnapshotDisk(
  request: SourceRequest,
  choice: TransportChoice,
  findHoles: { readonly data: readonly ByteRange[] } | undefined,
): Promise<{ readonly source: CopySource; readonly choice: TransportChoice }> {
  const { client, config, vm, snapshot, disk, signal } = request;
  const source = await openSource({
    choice,
    vm,
    disk,
    snapshot,
    vsphere: client.access,
    exports: client,
    ...(config.vddkLibDir !== undefined && {
      vddk: { libDir: config.vddkLibDir, runDir: join(config.runDir, 'vddk') },
    }),
    stallTimeoutMs: config.stallSeconds * 1000,
    signal,
  });
  if (!('read' in source) || choice.kind !== 'folder' || !findHoles) return { source, choice };
  try {
    const inUse = (await areasInUse(request)) ?? [];
    const sparse = inUse.length > 0 && (await withHoles(source, [...inUse, ...findHoles.data], signal));
    if (sparse) return { source: sparse, choice };
  } catch (error) {
    await source.close();
    throw error;
  }
  const reason = choice.reason.replace(
    /\.$/,
    '; its holes are not known for sure, so that all of it is read.',
  );
  return { source, choice: { ...choice, reason } };
}

/** The areas in use, where change tracking can tell them. */
async function areasInUse({
  client,
  vm,
  snapshot,
  disk,
  signal,
}: SourceRequest): Promise<ByteRange[] | undefined> {
  if (disk.changeId === undefined) return undefined;
  try {
    return await changedAreas(client, vm, snapshot, disk, '*', signal);
  } catch (error) {
    if (signal.aborted || !isOsseaError(error)) throw error;
    return undefined;
  }
}

/** All areas that changed since a changeId, up to the disk's capacity. */
export async function changedAreas(
  client: VsphereClient,
  vm: VirtualMachine,
  snapshot: MoRef,
  disk: VirtualDisk,
  changeId: string,
  signal: AbortSignal,
): Promise<ByteRange[]> {
  const { capacityBytes, key: deviceKey } = disk;
  return Array.fromAsync(
    client.changedAreas({ vm: vm.moRef, snapshot, deviceKey, capacityBytes, changeId }, signal),
  );
}
