import type { TargetDevice } from '../disk/targetDevice.ts';
import type { CopyOptions, CopyProgress } from './copyDisk.ts';
import type { Journal } from './journal.ts';
import type { RateLimiter } from './throttle.ts';

export interface VerifyResult {
  /** Bytes compared. */
  readonly verifiedBytes: number;
  readonly holeBytes: number;
  /** BLAKE3 over the chunk digests of the source, in order, hex. */
  readonly sourceDigest: string;
  /** The same, from what the target holds after healing. */
  readonly targetDigest: string;
  readonly mismatchedChunks: number;
  readonly healedChunks: number;
  /** True when both digests are equal. */
  readonly verified: boolean;
  readonly seconds: number;
}

export interface ReadbackOptions {
  readonly target: TargetDevice;
  /** Complete. */
  readonly journal: Journal;
  readonly label: string;
  readonly limiters?: readonly RateLimiter[] | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** The source at the journal's point, to heal from; without it mismatches are only reported and noted as unknown. */
  readonly source?: CopyOptions['source'] | undefined;
}

/** Reads the target again, past the page cache, and compares every chunk with its digest. Throws like `copyDisk`. */
export async function verifyReadback(options: ReadbackOptions): Promise<VerifyResult> {
  throw new Error(`not implemented ${options}`);
}

/**
 * Reads the source again and compares every chunk with its digest; then the target (`verifyReadback`). Only chunks that differ
 * are written, and only if `heal`. Throws like `copyDisk`.
 */
export async function verifySource(options: CopyOptions & { readonly heal: boolean }): Promise<VerifyResult> {
  throw new Error(`not implemented ${options}`);
}
