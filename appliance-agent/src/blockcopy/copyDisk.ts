import { OsseaError } from '../contract/index.ts';
import type { CopyOptions } from './copyOptions.ts';
import { runCopy } from './runCopy.ts';

export type { CopyProgress } from './copyMeter.ts';
export type { CopyOptions } from './copyOptions.ts';

export interface CopyResult {
  /** Bytes read from the source for this point, over all runs. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Bytes of the disk that are zeros, holes or not. */
  readonly holeBytes: number;
  /** Chunks with a digest from before, whose source turned out to differ. */
  readonly differingChunks: number;
  readonly rereadBytes: number;
  /** Seconds of this run. */
  readonly seconds: number;
  /** `journal.diskDigest()`. */
  readonly sourceDigest: string;
}

/**
 * Makes the target equal to the source at the journal's point. Resumes where an earlier run ended. Throws `copy.cancelled`,
 * `copy.journal`, `volume.too-small`, `source.*`, `target.io`, `target.full`. A source that is a stream is read from its start each time.
 */
export async function copyDisk(options: CopyOptions): Promise<CopyResult> {
  checkFit(options);
  const startedAt = performance.now();
  const counters = await runCopy({ ...options, phase: 'copying' });
  const { readBytes, writtenBytes, differingChunks, rereadBytes } = counters;
  return {
    readBytes,
    writtenBytes,
    differingChunks,
    rereadBytes,
    holeBytes: options.journal.summary().zeroBytes,
    seconds: (performance.now() - startedAt) / 1000,
    sourceDigest: await options.journal.diskDigest(),
  };
}

/** Throws when source, target and journal do not belong together. */
function checkFit({ source, target, journal, label }: CopyOptions): void {
  if (!journal.point) {
    throw new OsseaError('copy.journal', `The journal of ${label} was not told which snapshot is copied.`);
  }
  if (source.sizeBytes !== journal.capacityBytes) {
    throw new OsseaError(
      'source.size-changed',
      `The disk ${label} has ${source.sizeBytes} bytes where ${journal.capacityBytes} were expected.`,
      { remedy: 'Run the inventory again: the disk was grown, or another disk has taken its place.' },
    );
  }
  if (target.sizeBytes < journal.capacityBytes) {
    throw new OsseaError(
      'volume.too-small',
      `The volume for ${label} has ${target.sizeBytes} bytes, the disk needs ${journal.capacityBytes}.`,
      { remedy: 'Resize the volume to at least the disk, rounded up to whole GiB.' },
    );
  }
}
