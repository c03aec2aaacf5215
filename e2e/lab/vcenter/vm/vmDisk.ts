import { createHash } from 'node:crypto';
import { ChangeTracker, spellTrackingUuid } from '../disk/changeTracker.ts';
import { digestOf, firstDifference } from '../disk/compare.ts';
import type { Layer } from '../disk/layer.ts';
import type { LayeredDisk } from '../disk/layeredDisk.ts';
import type { DiskMoment, LabDisk } from '../handles.ts';
import type { DatastorePlace } from '../inventory/places.ts';
import type { LabDiskSpec } from '../spec.ts';

export interface VmDiskPlace {
  key: number;
  label: string;
  controllerKey: number;
  unitNumber: number;
  /** 32 hex digits as in a UUID. */
  uuid: string;
  datastore: DatastorePlace;
  /** Folder of the VM in the datastore. */
  folder: string;
  trackingBlockBytes: number;
}

/** A virtual disk: device, files, and what is known of its changes. */
export class VmDisk implements LabDisk {
  readonly place: VmDiskPlace;
  readonly spec: LabDiskSpec;
  readonly files: LayeredDisk;
  readonly backingUuid: string;
  tracker: ChangeTracker | undefined;
  readonly #layerAt: (snapshot: string, disk: VmDisk) => Layer;
  #trackers = 0;

  constructor(
    place: VmDiskPlace,
    spec: LabDiskSpec,
    files: LayeredDisk,
    layerAt: (snapshot: string, disk: VmDisk) => Layer,
  ) {
    this.place = place;
    this.spec = spec;
    this.files = files;
    this.backingUuid = `6000C29${place.uuid.slice(7)}`;
    this.#layerAt = layerAt;
  }

  get key(): number {
    return this.place.key;
  }

  get label(): string {
    return this.place.label;
  }

  get capacityBytes(): number {
    return this.files.capacityBytes;
  }

  get fileName(): string {
    return this.pathOf(this.files.current);
  }

  /** Whether snapshots and CBT apply to it. */
  get takesPartInSnapshots(): boolean {
    return (this.spec.mode ?? 'persistent') === 'persistent' && this.spec.rdm !== 'physical';
  }

  /** Datastore path of a layer's descriptor. */
  pathOf(layer: Layer): string {
    return `[${this.place.datastore.name}] ${this.place.folder}/${this.files.fileName(layer)}`;
  }

  read(offset: number, length: number, moment: DiskMoment = 'now'): Promise<Buffer> {
    this.#check(offset, length);
    const content = Buffer.alloc(length);
    this.#layer(moment).read(offset, content);
    return Promise.resolve(content);
  }

  write(offset: number, data: Uint8Array): void {
    this.#check(offset, data.length);
    this.files.current.write(offset, data);
    this.tracker?.record(offset, data.length);
  }

  discard(offset: number, length: number): void {
    this.#check(offset, length);
    this.files.current.discard(offset, length);
    this.tracker?.record(offset, length);
  }

  digest(moment: DiskMoment = 'now'): Promise<string> {
    return digestOf(this.#layer(moment));
  }

  firstDifference(path: string, moment: DiskMoment = 'now'): Promise<number | undefined> {
    return firstDifference(this.#layer(moment), path);
  }

  allocatedBytes(moment: DiskMoment = 'now'): number {
    return this.files.allocatedBytes(this.#layer(moment));
  }

  /** Begins a tracking session, with a UUID of its own. */
  startChangeTracking(underSnapshot: boolean): void {
    this.#trackers += 1;
    const bytes = createHash('sha256').update(`${this.backingUuid} ${this.#trackers}`).digest();
    bytes.writeUInt8(0x52, 0);
    this.tracker = new ChangeTracker(
      spellTrackingUuid(bytes),
      this.place.trackingBlockBytes,
      this.capacityBytes,
      underSnapshot,
    );
  }

  resetChangeTracking(): void {
    if (this.tracker !== undefined) this.startChangeTracking(this.files.current.parent !== undefined);
  }

  #layer(moment: DiskMoment): Layer {
    return moment === 'now' ? this.files.current : this.#layerAt(moment.snapshot, this);
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.capacityBytes) {
      throw new RangeError(
        `${length} bytes at ${offset} are not within the ${this.capacityBytes} of ${this.fileName}`,
      );
    }
  }
}
