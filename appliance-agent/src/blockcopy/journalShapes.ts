import type { CycleDiskRecord } from '../contract/index.ts';

/** The moment of the source that a replica shows, or is on its way to. */
export interface JournalPoint {
  /** Whatever tells two points apart. */
  readonly snapshot: string;
  /** The disk's changeId in this snapshot; undefined where changed blocks are not tracked. */
  readonly changeId?: string | undefined;
  /** The source's snapshots and run at this point, by which the next one finds out whether the source was reverted since. */
  readonly lineage?: { readonly revertible: boolean; readonly bootTime?: string | undefined } | undefined;
  /** What was known of the changes up to this point when the copy to it began. */
  readonly change?: Pick<CycleDiskRecord, 'mode' | 'reason' | 'detail' | 'changedBytes'> | undefined;
}

export interface JournalIdentity {
  /** UUID of the volume that the journal tells about. */
  readonly volumeId: string;
  /** What the same volume was called before CloudStack took it in again: a journal of one of these becomes that of `volumeId`. */
  readonly formerVolumeIds?: readonly string[] | undefined;
  /** Capacity of the source disk in bytes. */
  readonly capacityBytes: number;
  /** Default: `chunkBytesFor(capacityBytes)`, or what an existing journal has. */
  readonly chunkBytes?: number | undefined;
}

/** What the journal knows of a disk, in bytes; `zeroBytes` is a part of `doneBytes`, the others sum up to the capacity. */
export interface JournalSummary {
  /** Equal to the source at the current point, and safe on the target. */
  readonly doneBytes: number;
  /** The part of `doneBytes` that is zeros. */
  readonly zeroBytes: number;
  /** What the target holds is known, the source may differ: will be compared. */
  readonly staleBytes: number;
  /** Nothing is known: will be copied. */
  readonly unknownBytes: number;
}

/** A chunk whose content is safe on the target. */
export interface FinishedChunk {
  readonly index: number;
  readonly digest: Uint8Array;
  readonly zero: boolean;
  /** False where the target held it already. */
  readonly written: boolean;
}
