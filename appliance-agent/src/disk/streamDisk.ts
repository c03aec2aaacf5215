import type { TransportKind } from '../contract/index.ts';

/** A part of a disk, as a stream brings it. */
export interface StreamPiece {
  /** On the disk, in bytes. */
  readonly offset: number;
  /** Empty where the stream tells no more than that it goes on. Not to be kept: used or copied before the next piece. */
  readonly content: Uint8Array;
  /** Bytes that came over the network since the last piece: what bandwidth limits are about. */
  readonly receivedBytes: number;
}

/** A disk of a VM at one point in time that can only be read from its start to its end, such as an export. */
export interface StreamDisk extends AsyncDisposable {
  readonly transport: TransportKind;
  /** Capacity in bytes at the snapshot. */
  readonly sizeBytes: number;
  /**
   * Reads the disk once: pieces in rising order that do not overlap; what lies between and behind them reads as zeros, as soon as
   * the iteration has ended well and not before. Each call begins anew; one at a time. Throws `OsseaError`s: retryable ones
   * (`source.unavailable`, `source.stalled`) and `source.corrupt` may pass with another reading.
   */
  stream(signal: AbortSignal): AsyncIterable<StreamPiece>;
  close(): Promise<void>;
}
