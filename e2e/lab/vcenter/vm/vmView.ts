import type { HostPlace, Places } from '../inventory/places.ts';
import type { Site } from '../inventory/site.ts';
import type { Reference } from '../soap/value.ts';
import type { LabVmSpec } from '../spec.ts';
import type { Hardware } from './hardware.ts';
import type { Snapshot } from './snapshot.ts';
import type { VmDisk } from './vmDisk.ts';

/** What properties and queries read of a VM. */
export interface VmView {
  readonly ref: Reference;
  readonly name: string;
  readonly spec: LabVmSpec;
  readonly site: Site;
  readonly places: Places;
  readonly host: HostPlace;
  readonly instanceUuid: string;
  readonly biosUuid: string;
  readonly hardware: Hardware;
  readonly powerState: 'poweredOn' | 'poweredOff' | 'suspended';
  readonly bootTime: Date | undefined;
  readonly changeVersion: number;
  readonly disks: readonly VmDisk[];
  readonly currentSnapshot: Snapshot | undefined;
  readonly snapshotObjects: readonly Snapshot[];
  readonly consolidationNeeded: boolean;
}
