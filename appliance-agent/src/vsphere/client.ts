import {
  type Inventory,
  type InventoryObject,
  isOsseaError,
  type MissingPrivilege,
  type MoRef,
  OsseaError,
  type VirtualDisk,
  type VirtualMachine,
} from '../contract/index.ts';
import type { ByteRange } from '../disk/extent.ts';
import { probeCertificate } from '../tls/certificate.ts';
import { type ChangedAreasRequest, queryChangedAreas } from './changedAreas.ts';
import { readDevices, readDisks } from './devices.ts';
import { InventoryReader, type ServiceContent } from './inventory.ts';
import { type ManagedObject, managedObject, readReference } from './managedObject.ts';
import { adaptersOf, connectionChange } from './networkAdapters.ts';
import { findMissingPrivileges } from './privileges.ts';
import { readProperties } from './propertyCollector.ts';
import { SoapSession, type SoapSessionOptions, serviceInstance } from './soapSession.ts';
import { waitForTask } from './tasks.ts';
import { readSnapshots } from './virtualMachine.ts';
import { children, text, type XmlInput, type XmlNode, type XmlValue } from './xml.ts';

export type { ChangedAreasRequest } from './changedAreas.ts';

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

const minute = 60_000;

/**
 * A session with a vCenter or ESXi host. Calls may go on side by side; a session that the server ended is renewed. Every method throws
 * `OsseaError`s (`vsphere.*`) or the signal's reason.
 */
export class VsphereClient implements AsyncDisposable {
  readonly about: Inventory['about'];
  /** SHA-1 of the server's certificate as `AA:BB:…`, the form that VDDK wants. */
  readonly thumbprint: string;
  readonly #session: SoapSession;
  readonly #content: ServiceContent;
  readonly #inventory: InventoryReader;

  private constructor(session: SoapSession, content: ServiceContent, thumbprint: string) {
    this.#session = session;
    this.#content = content;
    this.about = content.about;
    this.thumbprint = thumbprint;
    this.#inventory = new InventoryReader(session, content);
  }

  /** Logs in. @throws OsseaError `vsphere.unreachable`, `vsphere.certificate-changed`, `vsphere.invalid-login`, `vsphere.protocol` */
  static async connect(options: SoapSessionOptions): Promise<VsphereClient> {
    const session = new SoapSession(options);
    try {
      const content = readContent(await session.open());
      const { thumbprint } = await probeCertificate(options.url);
      return new VsphereClient(session, content, thumbprint);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** For transports that read disks beside SOAP. */
  get access(): FolderAccess {
    const session = this.#session;
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

  /** Everything that the account may see. */
  inventory(signal?: AbortSignal): Promise<Inventory> {
    return this.#inventory.read(signal);
  }

  /** Where VMs are and what they use: hosts, datastores, networks …; at most a minute old. */
  objects(signal?: AbortSignal): Promise<readonly InventoryObject[]> {
    return this.#inventory.objects(signal);
  }

  /** A VM as it is now. @throws OsseaError `vsphere.not-found` */
  vm(moRef: MoRef, signal?: AbortSignal): Promise<VirtualMachine> {
    return this.#inventory.readVm(moRef, signal);
  }

  /** The VM of an instance UUID, which stays the same when its MoRef and name change. */
  async findVm(
    { instanceUuid }: { readonly instanceUuid: string },
    signal?: AbortSignal,
  ): Promise<VirtualMachine | undefined> {
    const found = readReference(
      await this.#session.call(
        'FindByUuid',
        this.#content.searchIndex,
        { uuid: instanceUuid, vmSearch: true, instanceUuid: true },
        signal,
      ),
    );
    return found && this.vm(found.value, signal);
  }

  /** The server's clock. */
  async currentTime(signal?: AbortSignal): Promise<Date> {
    return new Date(text(await this.#session.call('CurrentTime', serviceInstance, {}, signal)) ?? '');
  }

  /** Takes a snapshot of all disks, without memory. @throws OsseaError `vsphere.task-failed`, … */
  async createSnapshot(
    vm: MoRef,
    options: { readonly name: string; readonly description: string; readonly quiesce: boolean },
    signal?: AbortSignal,
  ): Promise<MoRef> {
    const { name, description, quiesce } = options;
    // A task of ours whose answer was lost may still run: then its snapshot is the one.
    await this.#settleSnapshotTasks(vm, signal);
    const existing = await this.findSnapshot(vm, name, signal);
    if (existing) return existing;
    try {
      const result = await this.#task(
        'CreateSnapshot_Task',
        vm,
        { name, description, memory: false, quiesce },
        30 * minute,
        signal,
      );
      const snapshot = readReference(result);
      if (snapshot) return snapshot.value;
    } catch (error) {
      // A task that vanished from the server (ESXi forgets them) is judged by what it made.
      if (!isOsseaError(error, 'vsphere.not-found')) throw error;
    }
    const made = await this.findSnapshot(vm, name, signal);
    if (made) return made;
    throw new OsseaError('vsphere.task-failed', `The snapshot ${name} of ${vm} was not made.`, {
      remedy: 'Look at the tasks and events of the VM in vCenter.',
      retryable: true,
    });
  }

  /** The snapshot of exactly this name. Names are our tokens. */
  async findSnapshot(vm: MoRef, name: string, signal?: AbortSignal): Promise<MoRef | undefined> {
    const properties = await readProperties(
      this.#session,
      this.#content.collector,
      managedObject('VirtualMachine', vm),
      ['snapshot.rootSnapshotList'],
      signal,
    );
    const trees = children(properties.get('snapshot.rootSnapshotList'), 'VirtualMachineSnapshotTree');
    return readSnapshots(trees, undefined).find((node) => node.name === name)?.moRef;
  }

  /** The disks as a snapshot holds them, with changeId and file. */
  async snapshotDisks(snapshot: MoRef, signal?: AbortSignal): Promise<VirtualDisk[]> {
    const properties = await readProperties(
      this.#session,
      this.#content.collector,
      managedObject('VirtualMachineSnapshot', snapshot),
      ['config.hardware.device'],
      signal,
    );
    return readDisks(readDevices(properties.get('config.hardware.device')), new Map());
  }

  /** Removes one snapshot, not its children, and waits for the consolidation. */
  async removeSnapshot(
    snapshot: MoRef,
    options: { readonly consolidate: boolean; readonly timeoutMs: number },
    signal?: AbortSignal,
  ): Promise<void> {
    const on = managedObject('VirtualMachineSnapshot', snapshot);
    const task = readReference(
      await this.#session.call(
        'RemoveSnapshot_Task',
        on,
        { removeChildren: false, consolidate: options.consolidate },
        signal,
      ),
    );
    if (task) await this.#wait(task, `Removal of the snapshot ${snapshot}`, options.timeoutMs, signal);
  }

  /** Merges delta files that a removal left behind. */
  async consolidate(vm: MoRef, signal?: AbortSignal): Promise<void> {
    await this.#task('ConsolidateVMDisks_Task', vm, {}, 240 * minute, signal);
  }

  /**
   * Switches changed block tracking on, and makes it count by the stun of a snapshot that is removed at once. The VM must have no snapshot.
   */
  async enableChangeTracking(vm: MoRef, snapshotName: string, signal?: AbortSignal): Promise<void> {
    await this.#reconfigure(vm, { changeTrackingEnabled: true }, signal);
    const snapshot = await this.createSnapshot(
      vm,
      {
        name: snapshotName,
        description: 'Switches changed block tracking on; removed at once.',
        quiesce: false,
      },
      signal,
    );
    await this.removeSnapshot(snapshot, { consolidate: true, timeoutMs: 240 * minute }, signal);
  }

  /** See `queryChangedAreas`. */
  changedAreas(request: ChangedAreasRequest, signal?: AbortSignal): AsyncIterable<ByteRange> {
    return queryChangedAreas(this.#session, request, signal);
  }

  async powerOn(vm: MoRef, signal?: AbortSignal): Promise<void> {
    await this.#task('PowerOnVM_Task', vm, {}, 10 * minute, signal);
  }

  /** Without asking the guest. */
  async powerOff(vm: MoRef, signal?: AbortSignal): Promise<void> {
    await this.#task('PowerOffVM_Task', vm, {}, 10 * minute, signal);
  }

  /** Asks the guest, by its tools, and returns at once: the power state tells when it has followed. */
  async shutdownGuest(vm: MoRef, signal?: AbortSignal): Promise<void> {
    await this.#session.call('ShutdownGuest', managedObject('VirtualMachine', vm), {}, signal);
  }

  async powerState(vm: MoRef, signal?: AbortSignal): Promise<VirtualMachine['powerState']> {
    const properties = await readProperties(
      this.#session,
      this.#content.collector,
      managedObject('VirtualMachine', vm),
      ['runtime.powerState'],
      signal,
    );
    const state = text(properties.get('runtime.powerState'));
    return state === 'poweredOff' || state === 'suspended' ? state : 'poweredOn';
  }

  async rename(vm: MoRef, name: string, signal?: AbortSignal): Promise<void> {
    await this.#task('Rename_Task', vm, { newName: name }, 10 * minute, signal);
  }

  /** Connects or disconnects network adapters, now where the VM runs, and at its next start. */
  async setNicsConnected(
    vm: MoRef,
    keys: readonly number[],
    connected: boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const properties = await readProperties(
      this.#session,
      this.#content.collector,
      managedObject('VirtualMachine', vm),
      ['config.hardware.device', 'runtime.powerState'],
      signal,
    );
    const running = text(properties.get('runtime.powerState')) === 'poweredOn';
    const adapters = adaptersOf(readDevices(properties.get('config.hardware.device')), keys);
    const deviceChange = adapters.map((device) => connectionChange(device, connected, running));
    await this.#reconfigure(vm, { deviceChange }, signal);
  }

  /** The privileges that the account lacks, each with its object. */
  async missingPrivileges(signal?: AbortSignal): Promise<MissingPrivilege[]> {
    const { objects } = await this.inventory(signal);
    const { username } = await this.#session.credentials();
    return findMissingPrivileges(
      this.#session,
      this.#content.authorizationManager,
      username,
      this.#content.rootFolder,
      objects.filter(({ kind }) => kind === 'datastore'),
      signal,
    );
  }

  /** Logs out and closes all connections. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #reconfigure(
    vm: MoRef,
    spec: { readonly [name: string]: XmlInput },
    signal: AbortSignal | undefined,
  ) {
    await this.#task('ReconfigVM_Task', vm, { spec }, 10 * minute, signal);
  }

  async #task(
    method: string,
    vm: MoRef,
    members: { readonly [name: string]: XmlInput },
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<XmlValue | undefined> {
    const task = readReference(
      await this.#session.call(method, managedObject('VirtualMachine', vm), members, signal),
    );
    if (!task)
      throw new OsseaError('vsphere.protocol', `vCenter answered ${method} of ${vm} without a task.`);
    return this.#wait(task, `${method} of ${vm}`, timeoutMs, signal);
  }

  #wait(task: ManagedObject, subject: string, timeoutMs: number, signal: AbortSignal | undefined) {
    return waitForTask(this.#session, this.#content.collector, task, subject, { timeoutMs, signal });
  }

  /** Waits for snapshot tasks that run on the VM now; how they end does not matter here. */
  async #settleSnapshotTasks(vm: MoRef, signal: AbortSignal | undefined): Promise<void> {
    const properties = await readProperties(
      this.#session,
      this.#content.collector,
      managedObject('VirtualMachine', vm),
      ['recentTask'],
      signal,
    );
    for (const recent of children(properties.get('recentTask'), 'ManagedObjectReference')) {
      const task = managedObject('Task', text(recent) ?? '');
      try {
        const info = await readProperties(
          this.#session,
          this.#content.collector,
          task,
          ['info.state', 'info.descriptionId'],
          signal,
        );
        const state = text(info.get('info.state'));
        const running = state === 'running' || state === 'queued';
        if (running && /(create|remove)(All)?Snapshot/i.test(text(info.get('info.descriptionId')) ?? '')) {
          await this.#wait(task, `A snapshot task of ${vm}`, 240 * minute, signal);
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (!isOsseaError(error)) throw error;
      }
    }
  }
}

function readContent(content: XmlNode): ServiceContent {
  const need = (name: string, type: string): ManagedObject => {
    const value = text(content, name);
    if (value) return managedObject(type, value);
    throw new OsseaError('vsphere.protocol', `The server has no ${name}.`, {
      remedy: 'Give the address of a vCenter or ESXi host, such as https://vcenter.example/sdk.',
    });
  };
  const authorizationManager = text(content, 'authorizationManager');
  const apiType = text(content, 'about', 'apiType') === 'HostAgent' ? 'HostAgent' : 'VirtualCenter';
  return {
    about: {
      instanceUuid: text(content, 'about', 'instanceUuid') ?? '',
      apiType,
      fullName: text(content, 'about', 'fullName') ?? '',
      version: text(content, 'about', 'version') ?? '',
      build: text(content, 'about', 'build') ?? '',
    },
    rootFolder: need('rootFolder', 'Folder'),
    collector: need('propertyCollector', 'PropertyCollector'),
    viewManager: need('viewManager', 'ViewManager'),
    searchIndex: need('searchIndex', 'SearchIndex'),
    sessionManager: need('sessionManager', 'SessionManager'),
    authorizationManager: authorizationManager
      ? managedObject('AuthorizationManager', authorizationManager)
      : undefined,
  };
}
