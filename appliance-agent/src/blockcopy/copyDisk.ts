import type { DiskProgress } from '../contract/index.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import type { Journal } from './journal.ts';
import type { RateLimiter } from './throttle.ts';

/** The counters of `DiskProgress` that the engine knows. */
export type CopyProgress = Omit<DiskProgress, 'key' | 'label' | 'transport'>;

export interface CopyOptions {
  readonly source: SourceDisk;
  readonly target: TargetDevice;
  /** After `beginPoint`: what is unknown is copied, what is stale compared, what is done left alone. */
  readonly journal: Journal;
  /** How messages name the disk, such as `db01, Hard disk 2`. */
  readonly label: string;
  /** All of them apply. Default: none. */
  readonly limiters?: readonly RateLimiter[] | undefined;
  /** Ends the copy with `copy.cancelled` within a second; what is safe until then stays so. */
  readonly signal: AbortSignal;
  /** So long without a byte from the source, and it is reconnected. Default 60. */
  readonly stallSeconds?: number | undefined;
  /** Reconnections without a byte between, after which `source.stalled` is thrown. Default 3. */
  readonly stallReconnects?: number | undefined;
  /** Called about four times a second, and at the end. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
}

export interface CopyResult {
  /** Bytes read from the source for this point, over all runs. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Bytes of the disk that are zeros, holes or not. */
  readonly holeBytes: number;
  /** Chunks with a digest from an earlier point, whose source turned out to differ and that were written. */
  readonly differingChunks: number;
  readonly rereadBytes: number;
  /** Seconds of this run. */
  readonly seconds: number;
  /** `journal.diskDigest()`. */
  readonly sourceDigest: string;
}

/**
 * Makes the target equal to the source at the journal's point. Resumes where an earlier run ended. Throws `copy.cancelled`,
 * `copy.journal`, `volume.too-small`, `source.*`, `target.io`, `target.full`.
 */
export async function copyDisk(options: CopyOptions): Promise<CopyResult> {
  throw new Error(`not implemented ${options}`);
}
