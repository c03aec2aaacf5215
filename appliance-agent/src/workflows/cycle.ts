import type { MoRef, VirtualMachine, Workload } from '../contract/index.ts';

/** What the later steps need of a disk; small, as it is remembered. */
export interface CycleDisk {
  readonly diskId: string;
  readonly key: number;
  readonly label: string;
  readonly changeId: string | undefined;
}

/** The workload, its VM and a session, for steps that work on disks. */
export interface Cycle {
  readonly workload: Workload;
  readonly vm: VirtualMachine;
  readonly snapshot: MoRef;
}
