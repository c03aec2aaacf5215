import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import type { CopyProgress } from './copyMeter.ts';
import type { Journal } from './journal.ts';
import type { RateLimiter } from './throttle.ts';

export interface CopyOptions {
  readonly source: SourceDisk;
  readonly target: TargetDevice;
  /** After `beginPoint`: what is unknown is copied, what is stale compared, what is done left alone. */
  readonly journal: Journal;
  /** How messages name the disk, such as `db01, Hard disk 2`. */
  readonly label: string;
  /** All of them apply. Default: none. */
  readonly limiters?: readonly RateLimiter[] | undefined;
  /** Ends the copy with `copy.cancelled` within a second, unless the target itself hangs; what is safe until then stays so. */
  readonly signal: AbortSignal;
  /** So long without a byte from the source, and it is reconnected. Default 60. */
  readonly stallSeconds?: number | undefined;
  /** Reconnections without a byte between, after which `source.stalled` is thrown. Default 3. */
  readonly stallReconnects?: number | undefined;
  /** Called about four times a second, and at the end. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
}
