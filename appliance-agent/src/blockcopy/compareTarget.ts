import type { TargetDevice } from '../disk/targetDevice.ts';
import { cancelled } from './cancelled.ts';
import { chunkBuffers } from './chunkBuffers.ts';
import type { CopyProgress } from './copyDisk.ts';
import { chunkDigest, dataRuns, zeroDigest } from './digest.ts';
import type { Journal } from './journal.ts';
import type { RateLimiter } from './throttle.ts';

const readsAtATime = 4;
const progressMs = 250;

export interface CompareOptions {
  readonly target: TargetDevice;
  readonly journal: Journal;
  readonly label: string;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** Only these chunks. Default: all. */
  readonly only?: Iterable<number> | undefined;
  /** What is read counts against them. */
  readonly limiters?: readonly RateLimiter[] | undefined;
  /** What the target should hold in place of what the journal says, by chunk. */
  readonly expected?: ReadonlyMap<number, Uint8Array> | undefined;
}

/** Reads the target from its storage, and returns the digests that it has where they are not what they should be, by chunk. */
export async function compareTarget(options: CompareOptions): Promise<Map<number, Uint8Array>> {
  const { target, journal, label, signal, onProgress, expected } = options;
  const { limiters = [], only = Array(journal.chunkCount).keys() } = options;
  const chosen = [...only];
  const indexes = chosen.values();
  const plannedBytes = bytesOf(journal, chosen);
  const startedAt = performance.now();
  const wrong = new Map<number, Uint8Array>();
  let readBytes = 0;
  const report = () => onProgress?.(compareProgress(journal, plannedBytes, readBytes, startedAt));

  using _sharing = chunkBuffers.enter();
  await target.flush();
  await target.dropCache();
  const compareChunks = async (): Promise<void> => {
    const whole = chunkBuffers.take(journal.chunkBytes);
    for (const index of indexes) {
      if (signal.aborted) throw cancelled(label, signal.reason);
      const { offset, length } = journal.chunkRange(index);
      const content = whole.subarray(0, length);
      for (const limiter of limiters) await limiter.take(length, signal);
      await target.read(offset, content);
      const digest = dataRuns(content).length > 0 ? chunkDigest(content) : zeroDigest(length);
      const should = expected?.get(index) ?? (await journal.digestOf(index));
      if (Buffer.compare(digest, should) !== 0) wrong.set(index, digest);
      readBytes += length;
    }
    chunkBuffers.give(whole);
  };
  const timer = setInterval(report, progressMs);
  try {
    const readers = await Promise.allSettled(Array.from({ length: readsAtATime }, compareChunks));
    for (const reader of readers) if (reader.status === 'rejected') throw reader.reason;
  } finally {
    clearInterval(timer);
  }
  report();
  return wrong;
}

/** What chunks hold together. */
export function bytesOf(journal: Journal, chunks: readonly number[]): number {
  return chunks.reduce((sum, index) => sum + journal.chunkRange(index).length, 0);
}

function compareProgress(
  journal: Journal,
  plannedBytes: number,
  readBytes: number,
  startedAt: number,
): CopyProgress {
  const rate = readBytes / Math.max(0.001, (performance.now() - startedAt) / 1000);
  return {
    phase: 'verifying',
    capacityBytes: journal.capacityBytes,
    plannedBytes,
    readBytes,
    writtenBytes: 0,
    skippedBytes: 0,
    doneBytes: readBytes,
    rereadBytes: 0,
    bytesPerSecond: rate,
    ...(rate > 0 && { etaSeconds: Math.max(0, plannedBytes - readBytes) / rate }),
  };
}
