import pLimit from 'p-limit';
import { type ByteRange, totalBytes } from '../disk/extent.ts';
import type { TargetDevice } from '../disk/targetDevice.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { CopyMeter } from './copyMeter.ts';
import { chunkDigest, dataRuns, zeroDigest } from './digest.ts';
import type { Journal } from './journal.ts';
import { chunkState } from './journalFormat.ts';

/** Writes at a time per disk: many threads that write one file are in each other's way. */
export const writesAtATime = 3;
/** Zeros are written in pieces no longer than this, so that a cancel need not wait long. */
const zeroRunBytes = 128 * 1024 * 1024;

export interface ChunkSinkOptions {
  readonly target: TargetDevice;
  readonly journal: Journal;
  readonly meter: CopyMeter;
  readonly checkpoints: Checkpoints;
  readonly stop: AbortSignal;
  /** Where given, chunks that differ are told here with the source's digest and noted as unknown, but not written. */
  readonly onDifference?: ((index: number, sourceDigest: Uint8Array) => void) | undefined;
}

/** Neighbouring chunks that the source has nothing in, to be written as zeros: `[first, end)`. */
export interface HoleRun {
  readonly first: number;
  readonly end: number;
}

/** Where a copy's chunks end: each gets its digest, is compared with what the target holds, and written where it differs. */
export class ChunkSink {
  readonly #options: ChunkSinkOptions;
  readonly #writes = pLimit(writesAtATime);
  #hole: HoleRun | undefined;

  constructor(options: ChunkSinkOptions) {
    this.#options = options;
  }

  /** The volume has whole GiB: what lies behind the disk must not hold what another tenant left (nor an old partition table). */
  async zeroTail(): Promise<void> {
    const { target, journal, stop, onDifference } = this.#options;
    const from = Math.max(journal.capacityBytes, journal.zeroedDeviceBytes);
    if (onDifference || journal.zeroedDeviceBytes >= target.sizeBytes) return;
    if (!journal.targetWasZero) {
      for (let at = from; at < target.sizeBytes; at += zeroRunBytes) {
        stop.throwIfAborted();
        await target.writeZeros(at, Math.min(zeroRunBytes, target.sizeBytes - at));
      }
      await target.flush();
    }
    await journal.noteZeroedDevice(target.sizeBytes);
  }

  /**
   * Takes a chunk that the source has data in. Resolves when the kernel has it, with false where its difference was only told.
   *
   * @param content the whole chunk; must not change before this resolves
   * @param readBytes how much of the plan went into it
   */
  async put(index: number, content: Buffer, readBytes: number): Promise<boolean> {
    const { journal, meter, checkpoints, onDifference } = this.#options;
    const { length } = journal.chunkRange(index);
    const { runs, digest } = meter.digest(() => {
      const found = dataRuns(content);
      return { runs: found, digest: found.length > 0 ? chunkDigest(content) : zeroDigest(length) };
    });
    const known = journal.stateOf(index) === chunkState.stale;
    if (known && Buffer.compare(await journal.digestOf(index), digest) === 0) {
      meter.count('skippedBytes', length);
      const written = await journal.wasWrittenHere(index);
      checkpoints.add({ index, digest, zero: runs.length === 0, written }, readBytes);
      return true;
    }
    if (known) meter.count('differingChunks', 1);
    if (onDifference) {
      onDifference(index, digest);
      await journal.forget([index]);
      return false;
    }
    const writtenBytes = await this.#writeChunk(index, content, runs);
    meter.count('writtenBytes', writtenBytes);
    meter.count('skippedBytes', length - writtenBytes);
    checkpoints.add({ index, digest, zero: runs.length === 0, written: true }, readBytes);
    return true;
  }

  /**
   * Takes a chunk that the source has nothing in. Where the target has no zeros there yet it joins a run of such chunks. Answers the
   * run before it, if that one is to be written now.
   */
  async hole(index: number): Promise<HoleRun | undefined> {
    const { journal } = this.#options;
    if (journal.holdsZeros(index)) {
      this.#noteZeros(index, false);
      return undefined;
    }
    if (await this.#isKnownZero(index)) {
      this.#noteZeros(index, await journal.wasWrittenHere(index));
      return undefined;
    }
    const run = this.#hole;
    const isFull = run && (run.end - run.first) * journal.chunkBytes >= zeroRunBytes;
    if (run?.end === index && !isFull) {
      this.#hole = { first: run.first, end: index + 1 };
      return undefined;
    }
    this.#hole = { first: index, end: index + 1 };
    return run;
  }

  /** The last run, to be written when no more chunks come. */
  lastHole(): HoleRun | undefined {
    const run = this.#hole;
    this.#hole = undefined;
    return run;
  }

  /** Writes zeros over a run. */
  async writeHole({ first, end }: HoleRun): Promise<void> {
    const { journal, target, meter, onDifference } = this.#options;
    const stale: number[] = [];
    for (let index = first; index < end; index++) {
      if (journal.stateOf(index) === chunkState.stale) stale.push(index);
    }
    meter.count('differingChunks', stale.length);
    await journal.forget(stale);
    if (onDifference) {
      for (let index = first; index < end; index++) {
        onDifference(index, zeroDigest(journal.chunkRange(index).length));
      }
      return;
    }
    const { offset } = journal.chunkRange(first);
    const last = journal.chunkRange(end - 1);
    await this.#write(() => target.writeZeros(offset, last.offset + last.length - offset));
    for (let index = first; index < end; index++) {
      meter.count('writtenBytes', journal.chunkRange(index).length);
      this.#addZeros(index, true);
    }
  }

  /** Writes a chunk, and returns how many bytes had to be. */
  async #writeChunk(index: number, content: Buffer, runs: readonly ByteRange[]): Promise<number> {
    const { journal, target } = this.#options;
    const { offset, length } = journal.chunkRange(index);
    if (journal.stateOf(index) === chunkState.stale) await journal.forget([index]);
    // Where the target still has its first zeros, only data is written, and the volume stays thin.
    const thin = journal.holdsZeros(index);
    await this.#write(async () => {
      if (!thin) {
        await (runs.length > 0 ? target.write(offset, [content]) : target.writeZeros(offset, length));
        return;
      }
      for (const run of runs) {
        await target.write(offset + run.offset, [content.subarray(run.offset, run.offset + run.length)]);
      }
    });
    return thin ? totalBytes(runs) : length;
  }

  /** True where an earlier point left the chunk with zeros. */
  async #isKnownZero(index: number): Promise<boolean> {
    const { journal } = this.#options;
    if (journal.stateOf(index) !== chunkState.stale) return false;
    const zeros = zeroDigest(journal.chunkRange(index).length);
    return Buffer.compare(await journal.digestOf(index), zeros) === 0;
  }

  /** The target has zeros there. */
  #noteZeros(index: number, writtenBefore: boolean): void {
    const { journal, meter } = this.#options;
    meter.count('skippedBytes', journal.chunkRange(index).length);
    this.#addZeros(index, writtenBefore);
  }

  #addZeros(index: number, written: boolean): void {
    const { journal, checkpoints } = this.#options;
    const digest = zeroDigest(journal.chunkRange(index).length);
    checkpoints.add({ index, digest, zero: true, written }, 0);
  }

  async #write(work: () => Promise<void>): Promise<void> {
    const { meter, stop } = this.#options;
    meter.begin('target');
    try {
      await this.#writes(() => {
        stop.throwIfAborted();
        return work();
      });
    } finally {
      meter.end('target');
    }
  }
}
