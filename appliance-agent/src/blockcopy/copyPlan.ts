import type { ByteRange, Extent } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import type { Journal } from './journal.ts';
import { chunkState } from './journalFormat.ts';

/** One bit of a 16-bit mask per block of a chunk. */
const blocksPerChunk = 16;
const allBlocks = 0xffff;
/** Two pieces of data this close are read at once: the gap costs less than another request. */
const joinGapBytes = 64 * 1024;
/** Chunks to copy this close have their extents asked for at once. */
const joinScanBytes = 64 * 1024 * 1024;

/** Which chunks are to be copied, and which parts of them hold data; found out while the copy already runs. */
export class CopyPlan {
  readonly #journal: Journal;
  readonly #masks: Uint16Array;
  readonly #blockBytes: number;
  readonly #waiting: (() => void)[] = [];
  /** Data is known below this offset. */
  #scannedTo = 0;
  #plannedBytes: number;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#masks = new Uint16Array(journal.chunkCount);
    this.#blockBytes = Math.ceil(journal.chunkBytes / blocksPerChunk);
    const { staleBytes, unknownBytes } = journal.summary();
    this.#plannedBytes = staleBytes + unknownBytes;
  }

  /** What is to be read, in bytes; what was not scanned yet counts as data. */
  get plannedBytes(): number {
    return this.#plannedBytes;
  }

  /** True for a chunk that is not done. */
  includes(index: number): boolean {
    const state = this.#journal.stateOf(index);
    return state !== chunkState.done && state !== chunkState.zero;
  }

  /** Asks the source where it holds data in the chunks to copy. `onExtent` is called for each answer. */
  async scan(source: SourceDisk, signal: AbortSignal, onExtent: () => void): Promise<void> {
    for (const range of this.#scanRanges()) {
      this.#scannedTo = Math.max(this.#scannedTo, range.offset);
      for await (const extent of source.extents(range, signal)) {
        onExtent();
        this.#note(extent);
      }
    }
    this.#advance(this.#journal.capacityBytes);
  }

  /** True when `pieces` can tell the chunk's data. */
  isKnown(index: number): boolean {
    const { offset, length } = this.#journal.chunkRange(index);
    return this.#scannedTo >= offset + length;
  }

  /** Resolves when the chunk's data is known; rejects when the signal aborts. */
  async known(index: number, signal: AbortSignal): Promise<void> {
    while (!this.isKnown(index)) {
      await new Promise<void>((resolve, reject) => {
        const leave = () => reject(signal.reason);
        signal.addEventListener('abort', leave, { once: true });
        this.#waiting.push(() => {
          signal.removeEventListener('abort', leave);
          resolve();
        });
      });
      signal.throwIfAborted();
    }
  }

  /** The parts of a chunk that hold data, in offsets of the disk; none for a hole. Only when it is `known`. */
  pieces(index: number): ByteRange[] {
    const { offset, length } = this.#journal.chunkRange(index);
    const mask = this.#masks[index]!;
    if (mask === allBlocks) return [{ offset, length }];
    const pieces: { offset: number; length: number }[] = [];
    for (let block = 0; block < blocksPerChunk; block++) {
      if (!(mask & (1 << block))) continue;
      const from = offset + block * this.#blockBytes;
      const to = Math.min(from + this.#blockBytes, offset + length);
      if (to <= from) break;
      const last = pieces.at(-1);
      if (last && from - (last.offset + last.length) < joinGapBytes) last.length = to - last.offset;
      else pieces.push({ offset: from, length: to - from });
    }
    return pieces;
  }

  *#scanRanges(): Iterable<ByteRange> {
    let range: { offset: number; length: number } | undefined;
    for (let index = 0; index < this.#journal.chunkCount; index++) {
      if (!this.includes(index)) continue;
      const { offset, length } = this.#journal.chunkRange(index);
      if (range && offset - (range.offset + range.length) < joinScanBytes) {
        range.length = offset + length - range.offset;
      } else {
        if (range) yield range;
        range = { offset, length };
      }
    }
    if (range) yield range;
  }

  #note({ offset, length, kind }: Extent): void {
    if (kind === 'data') this.#mark(offset, offset + length);
    this.#advance(offset + length);
  }

  #mark(from: number, to: number): void {
    const { chunkBytes } = this.#journal;
    const first = Math.floor(from / chunkBytes);
    const last = Math.floor((to - 1) / chunkBytes);
    for (const index of first === last ? [first] : [first, last]) {
      const start = index * chunkBytes;
      const fromBlock = Math.floor(Math.max(0, from - start) / this.#blockBytes);
      const toBlock = Math.min(blocksPerChunk, Math.ceil((to - start) / this.#blockBytes));
      this.#masks[index]! |= (allBlocks >>> (blocksPerChunk - (toBlock - fromBlock))) << fromBlock;
    }
    this.#masks.fill(allBlocks, first + 1, Math.max(first + 1, last));
  }

  /** Corrects the estimate for the chunks that are wholly scanned now, and wakes who waits for them. */
  #advance(to: number): void {
    const { chunkBytes, capacityBytes, chunkCount } = this.#journal;
    const from = Math.floor(this.#scannedTo / chunkBytes);
    const end = to >= capacityBytes ? chunkCount : Math.floor(to / chunkBytes);
    for (let index = from; index < end; index++) {
      if (this.#masks[index] === allBlocks || !this.includes(index)) continue;
      let dataBytes = 0;
      for (const piece of this.pieces(index)) dataBytes += piece.length;
      this.#plannedBytes -= this.#journal.chunkRange(index).length - dataBytes;
    }
    this.#scannedTo = Math.max(this.#scannedTo, to);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
