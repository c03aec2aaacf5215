import type { TargetDevice } from '../disk/targetDevice.ts';
import { bytesOf, compareTarget } from './compareTarget.ts';
import type { CopyOptions, CopyProgress } from './copyDisk.ts';
import type { CopySource } from './copyOptions.ts';
import type { Journal } from './journal.ts';
import { runCopy } from './runCopy.ts';
import type { RateLimiter } from './throttle.ts';

export interface VerifyResult {
  /** Bytes compared. */
  readonly verifiedBytes: number;
  readonly holeBytes: number;
  /** BLAKE3 over the chunk digests of the source, in order, hex. */
  readonly sourceDigest: string;
  /** The same, from what the target holds after healing; undefined where not all of it was read. */
  readonly targetDigest: string | undefined;
  readonly mismatchedChunks: number;
  readonly healedChunks: number;
  /** True when all that was compared is equal. */
  readonly verified: boolean;
  readonly seconds: number;
}

export interface ReadbackOptions {
  readonly target: TargetDevice;
  /** Complete. */
  readonly journal: Journal;
  /** How messages name the disk. */
  readonly label: string;
  /** For the source when it heals. */
  readonly limiters?: readonly RateLimiter[] | undefined;
  /** For the target, where a comparison has time and others are to go before it. */
  readonly targetLimiters?: readonly RateLimiter[] | undefined;
  /** Only what was written on the way to the journal's point. Default: all. */
  readonly onlyWritten?: boolean | undefined;
  readonly signal: AbortSignal;
  /** Counts the bytes compared; its counters are the verification's own. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** The source at the journal's point, to heal from; without it mismatches are only reported, and noted as unknown. */
  readonly source?: CopySource | undefined;
}

/** Reads the target again, past the page cache, and compares every chunk with its digest. Throws like `copyDisk`. */
export async function verifyReadback(options: ReadbackOptions): Promise<VerifyResult> {
  const { journal, source } = options;
  const startedAt = performance.now();
  const sourceDigest = await journal.diskDigest();
  const holeBytes = journal.summary().zeroBytes;
  const compared = { ...options, limiters: options.targetLimiters };
  const only = options.onlyWritten ? await journal.writtenChunks() : undefined;
  const mismatched = await compareTarget({ ...compared, only });
  await journal.forget([...mismatched.keys()]);
  let wrong: ReadonlyMap<number, Uint8Array> = mismatched;
  if (source && mismatched.size > 0) {
    await runCopy({ ...options, source, phase: 'healing' });
    wrong = await compareTarget({ ...compared, onProgress: undefined, only: mismatched.keys() });
    await journal.forget([...wrong.keys()]);
  }
  return {
    verifiedBytes: only ? bytesOf(journal, only) : journal.capacityBytes,
    holeBytes,
    sourceDigest,
    targetDigest: only ? undefined : await journal.diskDigest(wrong),
    mismatchedChunks: mismatched.size,
    healedChunks: mismatched.size - wrong.size,
    verified: wrong.size === 0,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

export interface SourceVerifyOptions extends CopyOptions {
  /** False: what differs is only reported, and noted as unknown for the next copy. */
  readonly heal: boolean;
  /** See `ReadbackOptions`. */
  readonly targetLimiters?: readonly RateLimiter[] | undefined;
}

/**
 * Reads the source again and compares every chunk with its digest, and then the target (`verifyReadback`). Only chunks that
 * differ are written. An interrupted one goes on where it stopped. Throws like `copyDisk`.
 */
export async function verifySource(options: SourceVerifyOptions): Promise<VerifyResult> {
  const { journal, heal } = options;
  const startedAt = performance.now();
  await journal.beginRecheck();
  const differing = new Map<number, Uint8Array>();
  const { differingChunks } = await runCopy({
    ...options,
    phase: 'verifying',
    onDifference: heal ? undefined : (index, digest) => differing.set(index, digest),
  });
  await journal.endRecheck();
  if (heal) {
    const readback = await verifyReadback(options);
    return {
      ...readback,
      mismatchedChunks: differingChunks + readback.mismatchedChunks,
      healedChunks: differingChunks + readback.healedChunks,
      seconds: (performance.now() - startedAt) / 1000,
    };
  }
  const wrong = await compareTarget({ ...options, limiters: options.targetLimiters, expected: differing });
  await journal.forget([...wrong.keys()]);
  return {
    verifiedBytes: journal.capacityBytes,
    holeBytes: journal.summary().zeroBytes,
    sourceDigest: await journal.diskDigest(differing),
    targetDigest: await journal.diskDigest(new Map([...differing, ...wrong])),
    mismatchedChunks: wrong.size,
    healedChunks: 0,
    verified: wrong.size === 0,
    seconds: (performance.now() - startedAt) / 1000,
  };
}
