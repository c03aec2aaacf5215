import {
  type Conversion,
  type Failover,
  OsseaError,
  type VirtualMachine,
  type Workload,
} from '../../contract/index.ts';
import type { ConversionResult } from '../../guest/conversion.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import type { PlannedDisk, PlannedNic } from './targetVmPlan.ts';

export interface GuestPreparation {
  readonly workload: Workload;
  /** The source VM as it was when it was last seen. */
  readonly vm: VirtualMachine;
  /** The volumes to be changed in place, in the source's order: clones, or a replica that a snapshot protects. */
  readonly disks: readonly PlannedDisk[];
  /** Which MAC address each adapter will have, for static addresses. */
  readonly nics: readonly PlannedNic[];
  readonly conversion: Conversion;
}

/** What later steps need of it; small, so that a step may remember it. */
export type PreparedGuest = Pick<ConversionResult, 'bootDiskKey' | 'firmware' | 'warnings'> & {
  readonly os?: string | undefined;
  readonly osProduct?: string | undefined;
  readonly seconds: number;
};

/**
 * Attaches the volumes to the appliance, makes the guest on them ready for KVM, and detaches them again, also where that failed. What goes on is told as the
 * job's message, and each line of the tools in its log. With the conversion `none` nothing is attached. After a failure the
 * volumes hold something between before and after: throw clones away, and bring a replica back to its snapshot.
 * @throws OsseaError `guest.*`, `volume.*`, `cloudstack.*`
 */
export async function prepareGuest(
  _parts: WorkflowParts,
  _run: JobRun,
  _failover: Failover,
  _preparation: GuestPreparation,
  _signal: AbortSignal,
): Promise<PreparedGuest> {
  throw new OsseaError('request.conflict', 'This agent cannot do that yet.', {
    remedy: 'Upgrade the agent.',
  });
}
