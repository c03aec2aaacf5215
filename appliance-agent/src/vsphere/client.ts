import type {
  Inventory,
  InventoryObject,
  MissingPrivilege,
  MoRef,
  VirtualDisk,
  VirtualMachine,
} from '../contract/index.ts';
import type { ByteRange } from '../disk/extent.ts';
import { probeCertificate } from '../tls/certificate.ts';
import { type ChangedAreasRequest, queryChangedAreas } from './changedAreas.ts';
import { InventoryReader } from './inventory.ts';
import { managedObject, readReference } from './managedObject.ts';
import { connectNics, type NicConnection } from './networkAdapters.ts';
import { type PowerMark, powerMark, powerOff, powerOn, powerState, shutdownGuest } from './power.ts';
import { findMissingPrivileges, hasPrivilege } from './privileges.ts';
import { runVmTask, type Service } from './service.ts';
import { readContent } from './serviceContent.ts';
import { type DiskExport, SharedExports } from './sharedExports.ts';
import {
  consolidateDisks,
  createSnapshot,
  enableChangeTracking,
  findSnapshot,
  removeSnapshot,
  type SnapshotOptions,
  snapshotDisks,
} from './snapshots.ts';
import { certificateChanged, SoapSession, type SoapSessionOptions, serviceInstance } from './soapSession.ts';
import { TagReader } from './tags.ts';
import { encodeName } from './virtualMachine.ts';
import { text } from './xml.ts';

export type { ChangedAreasRequest } from './changedAreas.ts';
export type { NicConnection } from './networkAdapters.ts';
export type { PowerMark } from './power.ts';

/** What transports need of a session; see `VsphereAccess` there. */
export interface FolderAccess {
  readonly origin: string;
  readonly apiType: Inventory['about']['apiType'];
  readonly fingerprint: string;
  readonly thumbprint: string;
  credentials(): Promise<{ username: string; password: string }>;
  authorization(): Promise<Record<string, string>>;
  renew(): Promise<void>;
}

/** How long a rename may take. */
const renameMs = 10 * 60_000;

/**
 * A session with a vCenter or ESXi host. Calls may go on side by side; a session that the server ended is renewed. Every method throws
 * `OsseaError`s (`vsphere.*`) or the signal's reason.
 */
export class VsphereClient implements AsyncDisposable {
  readonly about: Inventory['about'];
  /** SHA-1 of the server's certificate as `AA:BB:…`, the form that VDDK wants. */
  readonly thumbprint: string;
  readonly #service: Service;
  readonly #inventory: InventoryReader;
  readonly #exports: SharedExports;
  readonly #tags: TagReader;

  private constructor(service: Service, thumbprint: string, options: SoapSessionOptions) {
    this.#service = service;
    this.about = service.content.about;
    this.thumbprint = thumbprint;
    this.#inventory = new InventoryReader(service.session, service.content);
    this.#exports = new SharedExports(service);
    this.#tags = new TagReader(options);
  }

  /** Logs in. @throws OsseaError `vsphere.unreachable`, `vsphere.certificate-changed`, `vsphere.invalid-login`, `vsphere.protocol` */
  static async connect(options: SoapSessionOptions): Promise<VsphereClient> {
    const { url, fingerprint } = options;
    const session = new SoapSession(options);
    try {
      const content = readContent(await session.open());
      // VDDK will trust the thumbprint: it must be that of the pinned certificate.
      const shown = await probeCertificate(url);
      if (shown.fingerprint !== fingerprint) throw certificateChanged(url, shown.fingerprint, fingerprint);
      return new VsphereClient({ session, content }, shown.thumbprint, options);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** For transports that read disks beside SOAP. */
  get access(): FolderAccess {
    const { session } = this.#service;
    return {
      origin: session.origin,
      apiType: this.about.apiType,
      fingerprint: session.fingerprint,
      thumbprint: this.thumbprint,
      credentials: () => session.credentials(),
      authorization: async () => ({ cookie: session.cookie }),
      renew: () => session.renew(),
    };
  }

  /** Everything that the account may see; VMs have no tags in it where they are not told. */
  async inventory(signal?: AbortSignal): Promise<Inventory> {
    const inventory = await this.#inventory.read(signal);
    const tags = await this.tagsOf(
      inventory.vms.map(({ moRef }) => moRef),
      signal,
    ).catch(() => {
      signal?.throwIfAborted();
      return new Map<string, readonly string[]>();
    });
    const vms = inventory.vms.map((vm) => ({ ...vm, tags: [...(tags.get(vm.moRef) ?? [])] }));
    return { ...inventory, vms };
  }

  /** Where VMs are and what they use: hosts, datastores, networks …; at most a minute old. */
  objects(signal?: AbortSignal): Promise<readonly InventoryObject[]> {
    return this.#inventory.objects(signal);
  }

  /** A VM as it is now, without its tags. @throws OsseaError `vsphere.not-found` */
  vm(moRef: MoRef, signal?: AbortSignal): Promise<VirtualMachine> {
    return this.#inventory.readVm(moRef, signal);
  }

  /**
   * The tags of VMs by MoRef, each as `category: name`; VMs without any are left out, and hosts have none.
   * @throws OsseaError `vsphere.*` where they are not told, which is no reason not to move a VM
   */
  async tagsOf(vms: readonly MoRef[], signal?: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.about.apiType === 'VirtualCenter' ? this.#tags.tagsOf(vms, signal) : new Map();
  }

  /** The VM of an instance UUID, which stays the same when its MoRef and name change. */
  async findVm(
    { instanceUuid }: { readonly instanceUuid: string },
    signal?: AbortSignal,
  ): Promise<VirtualMachine | undefined> {
    const { session, content } = this.#service;
    const asked = { uuid: instanceUuid, vmSearch: true, instanceUuid: true };
    const found = readReference(await session.call('FindByUuid', content.searchIndex, asked, signal));
    return found && this.vm(found.value, signal);
  }

  /** The server's clock. */
  async currentTime(signal?: AbortSignal): Promise<Date> {
    return new Date(text(await this.#service.session.call('CurrentTime', serviceInstance, {}, signal)) ?? '');
  }

  /** Takes a snapshot of all disks, without memory, or finds the one of its name. @throws OsseaError `vsphere.task-failed`, … */
  createSnapshot(vm: MoRef, options: SnapshotOptions, signal?: AbortSignal): Promise<MoRef> {
    return createSnapshot(this.#service, vm, options, signal);
  }

  /** The snapshot of exactly this name. Names are our tokens. */
  findSnapshot(vm: MoRef, name: string, signal?: AbortSignal): Promise<MoRef | undefined> {
    return findSnapshot(this.#service, vm, name, signal);
  }

  /** The disks as a snapshot holds them, with changeId and file. */
  snapshotDisks(snapshot: MoRef, signal?: AbortSignal): Promise<VirtualDisk[]> {
    return snapshotDisks(this.#service, snapshot, signal);
  }

  /** Removes one snapshot, not its children, and waits for the consolidation. */
  removeSnapshot(
    snapshot: MoRef,
    options: { readonly consolidate: boolean; readonly timeoutMs: number },
    signal?: AbortSignal,
  ): Promise<void> {
    return removeSnapshot(this.#service, snapshot, { ...options, signal });
  }

  /** Merges delta files that a removal left behind. */
  consolidate(vm: MoRef, signal?: AbortSignal): Promise<void> {
    return consolidateDisks(this.#service, vm, signal);
  }

  /** Switches changed block tracking on and makes it count; the VM must have no snapshot. */
  enableChangeTracking(vm: MoRef, snapshotName: string, signal?: AbortSignal): Promise<void> {
    return enableChangeTracking(this.#service, vm, snapshotName, signal);
  }

  /** See `queryChangedAreas`. */
  changedAreas(request: ChangedAreasRequest, signal?: AbortSignal): AsyncIterable<ByteRange> {
    return queryChangedAreas(this.#service.session, request, signal);
  }

  /** Exports a disk of a snapshot, or of a VM that is off, to be fetched as a stream; see `SharedExports`. */
  exportDisk(
    of: { readonly snapshot: MoRef } | { readonly vm: MoRef },
    disk: VirtualDisk,
    signal: AbortSignal,
  ): Promise<DiskExport> {
    const entity =
      'snapshot' in of
        ? managedObject('VirtualMachineSnapshot', of.snapshot)
        : managedObject('VirtualMachine', of.vm);
    return this.#exports.open(entity, disk, signal);
  }

  powerOn(vm: MoRef, signal?: AbortSignal): Promise<void> {
    return powerOn(this.#service, vm, signal);
  }

  /** Without asking the guest. */
  powerOff(vm: MoRef, signal?: AbortSignal): Promise<void> {
    return powerOff(this.#service, vm, signal);
  }

  /** Asks the guest, by its tools, and returns at once: the power state tells when it has followed. */
  shutdownGuest(vm: MoRef, signal?: AbortSignal): Promise<void> {
    return shutdownGuest(this.#service, vm, signal);
  }

  powerState(vm: MoRef, signal?: AbortSignal): Promise<VirtualMachine['powerState']> {
    return powerState(this.#service, vm, signal);
  }

  /** Two marks that are equal show that the VM did not run in between. */
  powerMark(vm: MoRef, signal?: AbortSignal): Promise<PowerMark> {
    return powerMark(this.#service, vm, signal);
  }

  async rename(vm: MoRef, name: string, signal?: AbortSignal): Promise<void> {
    const newName = encodeName(name);
    await runVmTask(this.#service, 'Rename_Task', vm, { newName }, { timeoutMs: renameMs, signal });
  }

  /** Connects or disconnects network adapters, now where the VM runs, and at its next start. */
  connectNics(vm: MoRef, connections: readonly NicConnection[], signal?: AbortSignal): Promise<void> {
    return connectNics(this.#service, vm, connections, signal);
  }

  /** The privileges that the account lacks, each with its object. */
  async missingPrivileges(signal?: AbortSignal): Promise<MissingPrivilege[]> {
    const { session, content } = this.#service;
    const datastores = (await this.objects(signal)).filter(({ kind }) => kind === 'datastore');
    const { username } = await session.credentials();
    return findMissingPrivileges(
      session,
      content.authorizationManager,
      username,
      content.rootFolder,
      datastores,
      signal,
    );
  }

  /** Whether the account may export VMs, which only `nfc` needs. */
  async mayExport(signal?: AbortSignal): Promise<boolean> {
    const { session, content } = this.#service;
    const { username } = await session.credentials();
    const { authorizationManager, rootFolder } = content;
    return hasPrivilege(session, authorizationManager, username, rootFolder, 'VApp.Export', signal);
  }

  /** Gives exports up, logs out and closes all connections. */
  async close(): Promise<void> {
    await this.#exports.close();
    await this.#tags.close();
    await this.#service.session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
