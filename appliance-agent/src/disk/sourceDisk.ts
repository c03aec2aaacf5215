import type { TransportKind } from '../contract/index.ts';
import type { ByteRange, Extent } from './extent.ts';

/**
 * A disk of a VM at one point in time (its snapshot), readable at random. Implementations recover from lost sessions
 * by themselves on the same snapshot; what they throw is final for the request.
 */
export interface SourceDisk extends AsyncDisposable {
  readonly transport: TransportKind | 'device';
  /** Capacity in bytes at the snapshot. Any positive integer, not only multiples of 512. */
  readonly sizeBytes: number;
  /** What this transport reads best: bytes per request (a power of two) and requests in flight. */
  readonly preferred: { readonly requestBytes: number; readonly inFlight: number };
  /**
   * The extents of `range` in order, adjoining, without gaps. `hole` and `zero` read as zeros. A transport that knows
   * nothing yields one `data` extent.
   */
  extents(range: ByteRange, signal: AbortSignal): AsyncIterable<Extent>;
  /**
   * Fills `into` wholly from `offset`, or throws an `OsseaError` (`source.io` names the range; `source.stalled`;
   * `source.unavailable`). Any offset and length within the disk. May be called many times at once.
   */
  read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Drops connections so that the next read makes new ones; for the watchdog. Pending reads reject or go on. */
  reconnect(): Promise<void>;
  close(): Promise<void>;
}
