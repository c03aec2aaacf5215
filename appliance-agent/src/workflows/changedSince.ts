import type { Journal } from '../blockcopy/journal.ts';
import {
  type CycleDiskRecord,
  type FullReason,
  isOsseaError,
  type OsseaError,
  type TransportChoice,
  type VirtualDisk,
} from '../contract/index.ts';
import { type ByteRange, totalBytes } from '../disk/extent.ts';
import { continuityOf } from '../vsphere/changeId.ts';
import type { VsphereClient } from '../vsphere/client.ts';
import type { Cycle, Lineage } from './cycle.ts';
import type { JobRun } from './jobRun.ts';
import { changedAreas } from './sourceOpening.ts';

/** What may differ between the journal's point and a snapshot, and how that is known. */
export interface Change extends Pick<CycleDiskRecord, 'mode' | 'reason' | 'detail' | 'changedBytes'> {
  readonly ranges: ByteRange[] | 'all';
}

/**
 * What may differ between the journal's point and the snapshot: as changed block tracking tells it, or everything where it cannot be
 * trusted (pitfalls 4 and 7). Everything costs reading, never writing what is equal: the digests of earlier cycles tell.
 */
export async function changedSince(
  client: VsphereClient,
  { workload, vm, snapshot, lineage }: Cycle,
  disk: VirtualDisk,
  { journal, choice }: { readonly journal: Journal; readonly choice: TransportChoice },
  run: JobRun,
  signal: AbortSignal,
): Promise<Change> {
  const everything = (reason: FullReason, detail: string): Change => {
    run.logger.info({ disk: disk.label, reason, detail }, 'all of the disk is read');
    const compare = journal.summary().unknownBytes < journal.capacityBytes;
    return {
      ranges: 'all',
      mode: compare ? 'compare' : 'full',
      reason,
      detail,
      changedBytes: disk.capacityBytes,
    };
  };
  const { point } = journal;
  if (!point) {
    if (workload.replicatedUntil === undefined) return everything('first', 'The disk was not copied before.');
    const known = workload.disks.find(({ key }) => key === disk.key);
    return known?.transport === undefined
      ? everything('new-disk', 'The disk was added to the VM, or put in the place of another.')
      : everything(
          'journal-lost',
          'The journal of its replica is gone, so that nothing of the volume is known.',
        );
  }
  // What is read from its start to its end needs no changed blocks, and must not depend on them.
  if (choice.kind === 'nfc') return everything('no-random-access', choice.reason);
  if (disk.changeId === undefined) {
    return everything('cbt-off', 'Changed block tracking is off for this disk.');
  }
  if (point.changeId === undefined) {
    return everything('cbt-off', 'Changed block tracking was off when the disk was copied last.');
  }
  const told = `it was ${point.changeId}, now it is ${disk.changeId}`;
  switch (continuityOf(point.changeId, disk.changeId)) {
    case 'reset':
      return everything('cbt-reset', `Changed block tracking was reset: ${told}.`);
    case 'reverted':
      return everything('cbt-reverted', `The VM was reverted to an earlier snapshot: ${told}.`);
    case 'continues':
  }
  if (mayBeReverted(point.lineage, lineage)) {
    return everything(
      'cbt-reverted',
      'The VM may have been reverted to a snapshot that it had at the last point: it did not run all the time since.',
    );
  }
  try {
    const ranges = await changedAreas(client, vm, snapshot, disk, point.changeId, signal);
    return { ranges, mode: 'delta', changedBytes: totalBytes(ranges) };
  } catch (error) {
    if (signal.aborted || !isRefusal(error)) throw error;
    return everything('cbt-refused', `vCenter did not tell the changed blocks: ${error.message}`);
  }
}

/**
 * Whether the VM may be one that went back behind the last point. Change ids hide it where enough snapshots were taken since, and the
 * changed areas then lack what the revert undid (VMware KB 1021607). A revert ends the run of a VM, so one that had nothing to be reverted to,
 * or runs since before the last point, was not.
 */
function mayBeReverted(then: Lineage | undefined, now: Lineage | undefined): boolean {
  if (!then?.revertible || !now) return false;
  return then.bootTime === undefined || then.bootTime !== now.bootTime;
}

/** Whether vCenter will not tell the changed blocks, now or later: failing for it would keep the disk from being replicated ever again. */
function isRefusal(error: unknown): error is OsseaError {
  if (isOsseaError(error, 'vsphere.file-fault', 'vsphere.invalid-argument', 'vsphere.changed-blocks')) {
    return true;
  }
  return isOsseaError(error, 'vsphere.fault', 'vsphere.task-failed') && !error.retryable;
}
