import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { StreamDisk } from '../disk/streamDisk.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import type { CopyProgress } from './copyMeter.ts';
import type { Journal } from './journal.ts';
import type { RateLimiter } from './throttle.ts';

/** A disk that can be read at random, or only from its start to its end. */
export type CopySource = SourceDisk | StreamDisk;

export interface CopyOptions<Source extends CopySource = CopySource> {
  readonly source: Source;
  readonly target: TargetDevice;
  /** After `beginPoint`: what is unknown is copied, what is stale compared, what is done left alone. */
  readonly journal: Journal;
  /** How messages name the disk, such as `db01, Hard disk 2`. */
  readonly label: string;
  /** All of them apply. Default: none. */
  readonly limiters?: readonly RateLimiter[] | undefined;
  /** Ends the copy with `copy.cancelled` within a second, unless the target itself hangs; what is safe until then stays so. */
  readonly signal: AbortSignal;
  /** So long without a byte from the source, and it is reconnected. Default 60; of a stream, which may be silent over holes, 600. */
  readonly stallSeconds?: number | undefined;
  /** Reconnections without a byte between, or of a stream without getting any further, after which the error is final. Default 3. */
  readonly stallReconnects?: number | undefined;
  /** Called about four times a second, and at the end. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
}

/** A copy as a part of something. */
export interface RunOptions<Source extends CopySource = CopySource> extends CopyOptions<Source> {
  readonly phase: CopyProgress['phase'];
  /** Where given, chunks that differ are told here with the source's digest and noted as unknown, but not written. */
  readonly onDifference?: ((index: number, sourceDigest: Uint8Array) => void) | undefined;
}
