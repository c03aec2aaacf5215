import type { QemuMachine } from '../../qemu/qemuMachine.ts';
import { parseChangeId } from '../disk/changeTracker.ts';
import type { Layer } from '../disk/layer.ts';
import type { LabSnapshot, LabVm } from '../handles.ts';
import { entityProperties, inventoryName } from '../inventory/entity.ts';
import type { HostPlace, Places } from '../inventory/places.ts';
import type { ManagedObject, Site } from '../inventory/site.ts';
import { invalidPowerState, taskInProgress, VimFault } from '../soap/fault.ts';
import type { Reference, VimValue } from '../soap/value.ts';
import type { GuestActivity, LabVmSpec } from '../spec.ts';
import { Guest } from './guest.ts';
import type { Hardware } from './hardware.ts';
import { Snapshot } from './snapshot.ts';
import type { VmDisk } from './vmDisk.ts';
import { VmMachine } from './vmMachine.ts';
import { configInfo, vmProperty } from './vmProperties.ts';
import type { VmView } from './vmView.ts';

export type PowerState = 'poweredOn' | 'poweredOff' | 'suspended';

/** A VM: what it is made of, its snapshots, power and guest. Faults of the API are thrown where vSphere would. */
export class VirtualMachine implements ManagedObject, LabVm, VmView {
  readonly ref: Reference;
  readonly spec: LabVmSpec;
  readonly site: Site;
  readonly places: Places;
  readonly host: HostPlace;
  readonly folder: Reference;
  readonly instanceUuid: string;
  readonly biosUuid: string;
  name: string;
  hardware: Hardware;
  bootTime: Date | undefined;
  changeVersion = 1;
  /** Disks made through the VM's life, for the names of their files. */
  disksEverMade = 0;
  currentSnapshot: Snapshot | undefined;
  /** Snapshots existed when CBT was switched on. */
  trackingEnabledUnderSnapshot = false;
  /** Reported although no leftover layer says so: the specification asked for it. */
  consolidationClaimed: boolean;
  readonly #snapshots = new Map<string, Snapshot>();
  /** Set where the VM runs for real. */
  readonly realMachine: VmMachine | undefined;
  readonly #newActivity: (activity: GuestActivity) => Guest;
  #powerState: PowerState = 'poweredOff';
  #guest: Guest | undefined;
  #guestStopped = false;
  #busy: Reference | undefined;
  #snapshotsTaken = 0;

  constructor(
    site: Site,
    places: Places,
    spec: LabVmSpec,
    ref: Reference,
    hardware: Hardware,
    host: HostPlace,
  ) {
    this.site = site;
    this.places = places;
    this.spec = spec;
    this.ref = ref;
    this.name = spec.name;
    this.host = host;
    this.hardware = hardware;
    this.instanceUuid = site.uuid('instance', spec.name);
    this.biosUuid = site.uuid('bios', spec.name);
    this.consolidationClaimed = spec.consolidationNeeded ?? false;
    const folder = places.folder(spec.folder ?? '');
    this.folder = folder.ref;
    folder.addChild(ref);
    this.#newActivity = (activity) => new Guest(activity, site.seed, spec.name, () => this.hardware.disks);
    if (spec.guest !== undefined) this.#guest = this.#newActivity(spec.guest);
    if (spec.machine !== undefined) {
      this.realMachine = new VmMachine(
        spec,
        () => this.hardware,
        () => this.setPower('poweredOff'),
      );
    }
  }

  get moRef(): string {
    return this.ref.value;
  }

  get powerState(): PowerState {
    return this.#powerState;
  }

  get disks(): readonly VmDisk[] {
    return this.hardware.disks;
  }

  get snapshots(): readonly LabSnapshot[] {
    return [...this.#snapshots.values()].map(({ ref, name, description, facts, parent }) => ({
      moRef: ref.value,
      name,
      description,
      createdAt: facts.createdAt,
      parent: parent?.ref.value,
    }));
  }

  get snapshotObjects(): readonly Snapshot[] {
    return [...this.#snapshots.values()];
  }

  get consolidationNeeded(): boolean {
    return this.consolidationClaimed || this.#allDisks().some((disk) => disk.files.needsConsolidation);
  }

  get fenced(): boolean {
    const running = this.#powerState === 'poweredOn';
    return this.hardware.nics.every((nic) => !(running && nic.connected) && !nic.startConnected);
  }

  get nics(): LabVm['nics'] {
    return this.hardware.nics.map(({ key, connected, startConnected }) => ({
      key,
      connected,
      startConnected,
    }));
  }

  connectNic(key: number, state: Omit<LabVm['nics'][number], 'key'>): void {
    const nics = this.hardware.nics.map((nic) => (nic.key === key ? { ...nic, ...state } : nic));
    this.hardware = { ...this.hardware, nics };
    this.touch();
  }

  get guestWrites(): number {
    return this.#guest?.writes ?? 0;
  }

  get guestLogNext(): number {
    return this.#guest?.logNext ?? 0;
  }

  property(name: string): VimValue | undefined {
    if (name === 'recentTask') return this.site.recentTasks(this.ref);
    const own = vmProperty(this, name);
    if (own !== undefined) return own;
    const value = entityProperties(inventoryName(this.name), this.folder)[name];
    return typeof value === 'function' ? value() : value;
  }

  disk(key: number): VmDisk {
    const found = this.hardware.disks.find((disk) => disk.key === key);
    if (found === undefined) throw new Error(`${this.name} has no disk ${key}`);
    return found;
  }

  /** To be called after each change that a property shows. */
  touch(): void {
    this.changeVersion += 1;
    this.realMachine?.connect(this.hardware.nics);
    this.site.changed(this.ref);
  }

  /** Runs one task at a time, as vCenter does for snapshots and power. Throws TaskInProgress. */
  async exclusively<T>(task: Reference, work: () => Promise<T>): Promise<T> {
    if (this.#busy !== undefined) throw taskInProgress(this.#busy);
    this.#busy = task;
    try {
      return await work();
    } finally {
      this.#busy = undefined;
    }
  }

  /** Keeps tasks away for something that goes on longer than a call. Answers what ends it. Throws TaskInProgress. */
  reserve(holder: Reference): () => void {
    if (this.#busy !== undefined) throw taskInProgress(this.#busy);
    this.#busy = holder;
    return () => {
      if (this.#busy === holder) this.#busy = undefined;
    };
  }

  machine(): Promise<QemuMachine> {
    return this.realMachine?.running() ?? Promise.reject(new Error(`${this.name} only pretends to run`));
  }

  startGuest(activity: GuestActivity = {}): void {
    this.#guest?.stop();
    this.#guest = this.#newActivity(activity);
    this.#guestStopped = false;
    if (this.#powerState === 'poweredOn') this.#guest.start();
  }

  stopGuest(): void {
    this.#guestStopped = true;
    this.#guest?.stop();
  }

  guestHasWritten(writes: number): Promise<void> {
    if (this.#guest === undefined) throw new Error(`${this.name} has no guest`);
    return this.#guest.hasWritten(writes);
  }

  powerOn(): void {
    if (this.spec.template === true) throw new VimFault('NotSupported', 'A template cannot be powered on.');
    if (this.#powerState === 'poweredOn') throw invalidPowerState('poweredOn', 'poweredOff');
    this.setPower('poweredOn');
  }

  powerOff(): void {
    if (this.#powerState === 'poweredOff') throw invalidPowerState('poweredOff', 'poweredOn');
    this.setPower('poweredOff');
    if (this.site.faults.powerOffResetsCbt) for (const disk of this.disks) disk.resetChangeTracking();
  }

  /** The VM comes to be, in the state of its specification, with CBT in effect. */
  begin(state: PowerState): void {
    this.#stun();
    this.setPower(state);
  }

  /** Changes the state without asking whether it is allowed. */
  setPower(state: PowerState): void {
    const before = this.#powerState;
    this.#powerState = state;
    if (state === 'poweredOn') {
      this.bootTime = new Date();
      if (before === 'poweredOff') this.#stun();
      const nics = this.hardware.nics.map((nic) => ({ ...nic, connected: nic.startConnected }));
      if (before === 'poweredOff') this.hardware = { ...this.hardware, nics };
      if (!this.#guestStopped) this.#guest?.start();
      this.realMachine?.start();
    } else {
      this.#guest?.stop();
      this.realMachine?.cut();
      if (state === 'poweredOff') this.bootTime = undefined;
    }
    this.touch();
  }

  /** Takes the state of all disks at one instant. */
  freeze(name: string, description: string, quiesced: boolean): Snapshot {
    const ref = this.site.newReference('VirtualMachineSnapshot', 'snapshot');
    this.#snapshotsTaken += 1;
    const disks = new Map<number, { changeId: string | undefined; capacityBytes: number }>();
    for (const disk of this.hardware.disks) {
      if (!disk.takesPartInSnapshots) continue;
      disks.set(disk.key, { changeId: disk.tracker?.checkpoint(), capacityBytes: disk.capacityBytes });
      disk.files.freeze(ref.value);
    }
    const parent = this.currentSnapshot;
    const facts = {
      ref,
      vm: this.ref,
      id: this.#snapshotsTaken,
      name,
      description,
      createdAt: new Date(),
      quiesced,
      powerState: 'poweredOff',
      parent,
      hardware: this.hardware,
      disks,
    };
    const snapshot = new Snapshot(facts, (moment) => configInfo(this, moment));
    parent?.children.push(snapshot);
    this.#snapshots.set(ref.value, snapshot);
    this.currentSnapshot = snapshot;
    this.#stun();
    this.site.add(snapshot);
    this.touch();
    return snapshot;
  }

  /** Takes a snapshot out of the tree; its files stay until they are consolidated. */
  dropSnapshot(snapshot: Snapshot, withChildren: boolean): void {
    if (withChildren) for (const child of [...snapshot.children]) this.dropSnapshot(child, true);
    const { parent } = snapshot;
    if (parent !== undefined) {
      parent.children = parent.children.filter((child) => child !== snapshot).concat(snapshot.children);
    }
    for (const child of snapshot.children) child.parent = parent;
    if (this.currentSnapshot === snapshot) this.currentSnapshot = parent;
    this.#snapshots.delete(snapshot.ref.value);
    for (const disk of this.#allDisks([snapshot])) {
      disk.tracker?.checkpoint();
      disk.files.release(snapshot.ref.value);
    }
    this.#stun();
    this.site.remove(snapshot.ref);
    this.touch();
  }

  async consolidate(): Promise<void> {
    for (const disk of this.#allDisks()) await disk.files.consolidate();
    this.consolidationClaimed = false;
    this.touch();
  }

  /** Back to the moment of a snapshot; a VM without its memory in the snapshot is off then. */
  revert(snapshot: Snapshot): void {
    this.setPower('poweredOff');
    this.hardware = snapshot.facts.hardware;
    for (const disk of this.hardware.disks) {
      const frozen = disk.files.layerOf(snapshot.ref.value);
      if (frozen === undefined) continue;
      disk.files.revert(frozen);
      const changeId = parseChangeId(snapshot.facts.disks.get(disk.key)?.changeId ?? '');
      if (changeId?.uuid !== disk.tracker?.uuid) disk.resetChangeTracking();
      else if (changeId !== undefined) disk.tracker?.rewind(changeId.sequence);
    }
    this.currentSnapshot = snapshot;
    this.touch();
  }

  /** By MoRef, else the newest of that name. */
  findSnapshot(nameOrMoRef: string): Snapshot {
    const found =
      this.#snapshots.get(nameOrMoRef) ??
      [...this.#snapshots.values()].findLast((each) => each.name === nameOrMoRef);
    if (found === undefined) throw new Error(`${this.name} has no snapshot “${nameOrMoRef}”`);
    return found;
  }

  layerAt(nameOrMoRef: string, disk: VmDisk): Layer {
    const snapshot = this.findSnapshot(nameOrMoRef);
    const layer = disk.files.layerOf(snapshot.ref.value);
    if (layer === undefined) throw new Error(`${disk.fileName} takes no part in “${snapshot.name}”`);
    return layer;
  }

  takeSnapshot(name: string): Promise<string> {
    return Promise.resolve(this.freeze(name, '', false).ref.value);
  }

  async removeSnapshot(nameOrMoRef: string): Promise<void> {
    this.dropSnapshot(this.findSnapshot(nameOrMoRef), false);
    await this.consolidate();
  }

  revertToSnapshot(nameOrMoRef: string): Promise<void> {
    this.revert(this.findSnapshot(nameOrMoRef));
    return Promise.resolve();
  }

  growDisk(key: number, capacityBytes: number): void {
    const disk = this.disk(key);
    if (this.#snapshots.size > 0 || capacityBytes < disk.capacityBytes) {
      const fields = { property: 'deviceChange', deviceIndex: 0, badOp: 'edit' };
      throw new VimFault('InvalidDeviceOperation', "Invalid operation for device '0'.", fields);
    }
    disk.files.grow(capacityBytes);
    disk.resetChangeTracking();
    this.touch();
  }

  /** Stops the guest and closes the files. */
  async close(): Promise<void> {
    this.#guest?.stop();
    await this.realMachine?.[Symbol.asyncDispose]();
    for (const disk of this.#allDisks()) disk.files.close();
  }

  /** A moment in which the disks are opened anew: CBT starts and stops taking effect. */
  #stun(): void {
    for (const disk of this.hardware.disks) {
      if (!disk.takesPartInSnapshots) continue;
      if (!this.hardware.changeTrackingEnabled) disk.tracker = undefined;
      else if (disk.tracker === undefined) disk.startChangeTracking(this.trackingEnabledUnderSnapshot);
    }
  }

  /** Disks of now and of the snapshots, those too that were removed from the VM since. */
  #allDisks(more: readonly Snapshot[] = []): VmDisk[] {
    const snapshots = [...this.#snapshots.values(), ...more];
    return [...new Set([...this.hardware.disks, ...snapshots.flatMap((each) => each.facts.hardware.disks)])];
  }
}
