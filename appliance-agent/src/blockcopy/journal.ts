import type { ByteRange } from '../disk/extent.ts';

/** The moment of the source that a replica shows, or is on its way to. */
export interface JournalPoint {
  /** MoRef or token of the snapshot: whatever tells two points apart. */
  readonly snapshot: string;
  /** The disk's changeId in this snapshot; undefined where changed blocks are not tracked. */
  readonly changeId?: string | undefined;
}

export interface JournalIdentity {
  /** UUID of the volume that the journal tells about. */
  readonly volumeId: string;
  /** Capacity of the source disk in bytes. */
  readonly capacityBytes: number;
  /** Default: `chunkBytesFor(capacityBytes)`, or what an existing journal has. */
  readonly chunkBytes?: number | undefined;
}

/** What the journal knows of a disk, in bytes; the four sum up to the capacity. */
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

/**
 * What is known of one volume's contents, chunk by chunk, on disk. It outlives jobs: an interrupted copy resumes from it, and
 * the next point builds upon it as a seed.
 */
export interface Journal extends AsyncDisposable {
  readonly volumeId: string;
  readonly capacityBytes: number;
  readonly chunkBytes: number;
  /** Undefined until the first `beginPoint`. */
  readonly point: JournalPoint | undefined;
  /** True when every chunk equals the source at `point`. */
  readonly isComplete: boolean;
  summary(): JournalSummary;
  /**
   * Turns to another point. Durable when it resolves; a kill in between leaves the old point, with at most some chunks to
   * compare again. Does nothing when `point.snapshot` is the current one (a resumed copy).
   *
   * @param changed what may differ between the journal's current point and this one, as changed-block tracking tells it **since
   *   `journal.point.changeId`**; `'all'` where that is not known: every chunk is then read and only what differs written.
   */
  beginPoint(point: JournalPoint, changed: readonly ByteRange[] | 'all'): Promise<void>;
  /**
   * BLAKE3 over the digests of all chunks in order, hex. Throws `copy.journal` while a chunk is not done.
   */
  diskDigest(): Promise<string>;
  close(): Promise<void>;
}

/** The chunk size for a disk: 64 KiB to 1 MiB, so that also a small disk has enough chunks to resume between. */
export function chunkBytesFor(capacityBytes: number): number {
  throw new Error(`not implemented ${capacityBytes}`);
}

/**
 * Opens or creates the journal file. One opener at a time. Damaged records read as unknown. Throws `copy.journal` when the file
 * belongs to another volume, capacity or chunk size.
 */
export async function openJournal(path: string, identity: JournalIdentity): Promise<Journal> {
  throw new Error(`not implemented ${path} ${identity}`);
}
