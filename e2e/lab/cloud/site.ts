import { uuidOf } from '../chaos/random.ts';
import { ApiError, unknownEntity } from './apiError.ts';
import type { ConsoleProvider, ConsoleProxy } from './console/consoleProxy.ts';
import type { FaultPlan } from './faults.ts';
import { type Hypervisor, pretence } from './hypervisor.ts';
import type { Jobs } from './jobs.ts';
import type {
  Account,
  DiskOffering,
  Network,
  NetworkOffering,
  Nic,
  OsType,
  ServiceOffering,
  Snapshot,
  Template,
  Vm,
  VmSnapshot,
  Volume,
  Zone,
} from './model.ts';
import type { Backing, CloudHostOptions, CloudLimits } from './options.ts';
import type { Parameters } from './parameters.ts';
import type { Storage } from './storage.ts';
import { cloudTime } from './time.ts';
import type { Wires } from './wires.ts';

export const domainId = '52d94b1e-1f5c-4c6e-a1c4-0d5b2e7d9a10';

export interface SiteOptions {
  seed: number;
  version: string;
  hosts: readonly CloudHostOptions[];
  offeringHostTags: string | undefined;
  maxDataVolumes: number;
  limits: CloudLimits;
  throttling: { intervalSeconds: number; max: number } | undefined;
  usersExpunge: boolean;
  volumeSnapshots: boolean;
  consoles: boolean;
  revertSnapshots: boolean;
  poolScope: 'ZONE' | 'CLUSTER';
}

/** One call of a command. */
export interface Call {
  site: Site;
  command: string;
  account: Account;
  parameters: Parameters;
}

interface SiteEvent {
  id: string;
  created: string;
  type: string;
  text: string;
  account: Account;
  resourceId: string;
}

/** Everything that exists in the cloud. */
export class Site {
  readonly options: SiteOptions;
  readonly faults: FaultPlan;
  readonly jobs: Jobs;
  readonly storage: Storage;
  readonly consoleProxy: ConsoleProxy;

  readonly accounts: Account[] = [];
  readonly zones = new Map<string, Zone>();
  readonly serviceOfferings = new Map<string, ServiceOffering>();
  readonly diskOfferings = new Map<string, DiskOffering>();
  readonly networkOfferings = new Map<string, NetworkOffering>();
  readonly templates = new Map<string, Template>();
  readonly osTypes = new Map<string, OsType>();
  readonly networks = new Map<string, Network>();
  readonly volumes = new Map<string, Volume>();
  readonly vms = new Map<string, Vm>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly vmSnapshots = new Map<string, VmSnapshot>();
  readonly events: SiteEvent[] = [];

  applianceVmId = '';
  hypervisor: Hypervisor = pretence;
  /** Undefined: NICs of the appliance only pretend to be plugged in. */
  wires: Wires | undefined;
  nextBacking: Backing | undefined;
  readonly backings = new Map<string, Backing>();
  /** Volumes that a fault made beside others of their name, by id, with that name; they are strangers'. */
  readonly namesakes = new Map<string, string>();
  /** Files on the pool that no volume is made of, by path, with their sizes. */
  readonly looseFiles = new Map<string, number>();
  /** Screens of VMs that are not the lab's own pictures, by VM id. */
  readonly consoles = new Map<string, ConsoleProvider>();

  readonly #counters = new Map<string, number>();
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(
    options: SiteOptions,
    parts: { faults: FaultPlan; jobs: Jobs; storage: Storage; consoleProxy: ConsoleProxy },
  ) {
    this.options = options;
    this.faults = parts.faults;
    this.jobs = parts.jobs;
    this.storage = parts.storage;
    this.consoleProxy = parts.consoleProxy;
  }

  /** The next id of a kind: the same for the n-th object of every run with this seed. */
  newId(kind: string): string {
    return uuidOf(this.options.seed, kind, this.count(kind));
  }

  /** Counts up from 1, per label. */
  count(label: string): number {
    const next = (this.#counters.get(label) ?? 0) + 1;
    this.#counters.set(label, next);
    return next;
  }

  /** Runs work that touches one object after the work before it, as CloudStack queues the work of a VM. */
  inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#queues.set(
      key,
      turn.catch(() => undefined),
    );
    return turn;
  }

  record(account: Account, type: string, resourceId: string, text: string): void {
    const created = cloudTime(Date.now());
    this.events.push({ id: this.newId('event'), created, type, text, account, resourceId });
  }

  /** True for what the caller may see: its own, or everything for an administrator who asks for it. */
  sees(call: Call, owner: Account): boolean {
    if (owner === call.account) return true;
    if (!call.account.admin) return false;
    return call.parameters.flag('listall') === true || call.parameters.text('id') !== undefined;
  }

  /**
   * The object that a parameter names.
   * @throws ApiError 431 when it does not exist, 531 when it is another account's
   */
  find<T extends { id: string; account?: Account }>(
    things: ReadonlyMap<string, T>,
    call: Call,
    parameter: string,
  ): T {
    const id = call.parameters.require(parameter);
    return this.byId(things, call, parameter, id);
  }

  byId<T extends { id: string; account?: Account }>(
    things: ReadonlyMap<string, T>,
    call: Call,
    parameter: string,
    id: string,
  ): T {
    const thing = things.get(id);
    if (thing === undefined) throw unknownEntity(call.command, parameter, id);
    if (thing.account !== undefined && thing.account !== call.account && !call.account.admin) {
      throw new ApiError(
        'account',
        `Acct [${call.account.id}] does not have permission to operate with resource [${id}]`,
      );
    }
    return thing;
  }

  volumesOf(vmId: string): Volume[] {
    return [...this.volumes.values()]
      .filter((volume) => volume.attachment?.vmId === vmId)
      .sort((a, b) => (a.attachment?.slot ?? 0) - (b.attachment?.slot ?? 0));
  }

  snapshotsOfVm(vmId: string): VmSnapshot[] {
    return [...this.vmSnapshots.values()].filter((snapshot) => snapshot.vmId === vmId);
  }

  /** Gives a volume its space, on the backing that was chosen for it. */
  async makeSpace(volume: Volume): Promise<void> {
    await this.storage.allocate(volume.id, volume.sizeBytes, this.backings.get(volume.id));
    if (volume.state === 'Allocated') volume.state = 'Ready';
  }

  /** Whether the guest of the appliance sees this volume now. */
  isPlugged(volume: Volume): boolean {
    return (
      volume.attachment?.vmId === this.applianceVmId &&
      volume.type === 'DATADISK' &&
      this.vms.get(this.applianceVmId)?.state === 'Running'
    );
  }

  /**
   * Brings the links of the appliance's devices in line with what is attached.
   * @param command whose turn it is to be late
   */
  async plug(volume: Volume, command: string): Promise<void> {
    if (this.faults.strikes('late-link', command)) {
      this.jobs.later(this.faults.faults.lateLinkMs, () => this.#align(volume));
      return;
    }
    await this.#align(volume);
  }

  /**
   * Lets a NIC of the appliance appear in it.
   * @param command whose turn it is to be late
   */
  async plugNic(vm: Vm, nic: Nic, command: string): Promise<void> {
    const { wires } = this;
    if (wires === undefined || vm.id !== this.applianceVmId) return;
    const plug = () =>
      this.inTurn(`wire of ${nic.id}`, async () => {
        // One that was taken out before it appeared.
        if (vm.nics.includes(nic)) await wires.plug(nic, this.networks.get(nic.networkId)?.prefix);
      });
    if (this.faults.strikes('late-link', command)) this.jobs.later(this.faults.faults.lateLinkMs, plug);
    else await plug();
  }

  async unplugNic(vm: Vm, nic: Nic): Promise<void> {
    if (vm.id === this.applianceVmId)
      await this.inTurn(`wire of ${nic.id}`, async () => this.wires?.unplug(nic));
  }

  /** In turn, so that a late link does not cross with the next one of the same volume. */
  #align(volume: Volume): Promise<void> {
    return this.inTurn(`link of ${volume.id}`, () =>
      this.isPlugged(volume) ? this.storage.publish(volume.id) : this.storage.unpublish(volume.id),
    );
  }
}
