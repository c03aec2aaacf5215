import type { MoRef, VirtualMachine, Workload } from '../contract/index.ts';

/** What the later steps need of a disk; small, as it is remembered. */
export interface CycleDisk {
  readonly diskId: string;
  readonly key: number;
  readonly label: string;
  readonly changeId: string | undefined;
}

/** How a VM was at the moment of a snapshot, as far as a later cycle can tell by it whether the VM was reverted in between. */
export interface Lineage {
  /** True where the VM had other snapshots than ours: it may be reverted to one of them, and be as it was before our point. */
  readonly revertible: boolean;
  /** When the VM was started whose disks the snapshot holds; undefined where it was off. */
  readonly bootTime?: string | undefined;
}

/** The workload, its VM and the point that is copied, for steps that work on disks. */
export interface Cycle {
  readonly workload: Workload;
  readonly vm: VirtualMachine;
  readonly snapshot: MoRef;
  /** Tells the point from all others: a server that was restored from a backup gives MoRefs a second time. */
  readonly pointId: string;
  readonly lineage: Lineage | undefined;
}
