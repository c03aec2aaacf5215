import { randomUUID } from 'node:crypto';
import { OsseaError } from '../contract/index.ts';
import { type ByteRange, normaliseRanges } from '../disk/extent.ts';
import { DiskDigest } from './digest.ts';
import { pageRecords, readHeader, readStates, seedOf } from './journalContent.ts';
import { type JournalFile, openJournalFile } from './journalFile.ts';
import {
  type ChunkState,
  chunkState,
  countersOffset,
  decodeSlot,
  digestBytes,
  encodeRecord,
  encodeSlot,
  headerOffsets,
  JournalCounters,
  type JournalHeader,
  recordBytes,
  recordsOffset,
  slotBytes,
  wasWrittenAt,
} from './journalFormat.ts';
import { growJournal } from './journalGrowth.ts';
import type { FinishedChunk, JournalIdentity, JournalPoint, JournalSummary } from './journalShapes.ts';

export type { FinishedChunk, JournalIdentity, JournalPoint, JournalSummary } from './journalShapes.ts';

const minChunkBytes = 64 * 1024;
const maxChunkBytes = 1024 * 1024;
/** Records this close are written at once: chunks that come in out of order leave small gaps. */
const joinRecords = 64;
/** The mark of touched chunks runs ahead by so much, so that it is seldom written. */
const touchAheadBytes = 256 * 1024 * 1024;

/** The chunk size for a disk: 64 KiB to 1 MiB, so that also a small disk has enough chunks to resume between. */
export function chunkBytesFor(capacityBytes: number): number {
  let chunkBytes = minChunkBytes;
  while (chunkBytes < maxChunkBytes && chunkBytes * 256 < capacityBytes) chunkBytes *= 2;
  return chunkBytes;
}

/**
 * Opens or creates the journal file. One opener at a time. Damaged records read as unknown. A larger capacity than the file tells
 * of is that of a disk which has grown. Throws `copy.journal` when the file belongs to another volume, a larger disk or another chunk
 * size.
 */
export async function openJournal(path: string, identity: JournalIdentity): Promise<Journal> {
  const file = await openJournalFile(path);
  try {
    return await Journal.open(file, identity, path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * What is known of one volume's contents, chunk by chunk, on disk. It outlives jobs: an interrupted copy resumes from it, and
 * the next point builds upon it as a seed. Only the states are held in memory, one byte per chunk.
 */
export class Journal implements AsyncDisposable {
  readonly chunkCount: number;
  readonly #file: JournalFile;
  readonly #states: Uint8Array;
  readonly #seed: number;
  #header: JournalHeader;
  #counters: JournalCounters;
  #headerTurn: Promise<void> = Promise.resolve();
  #countersTurn: Promise<void> = Promise.resolve();
  #page: { readonly number: number; readonly records: Promise<Buffer> } | undefined;

  private constructor(
    file: JournalFile,
    header: JournalHeader,
    states: Uint8Array,
    counters: JournalCounters,
  ) {
    this.#file = file;
    this.#header = header;
    this.#states = states;
    this.#counters = counters;
    this.#seed = seedOf(header);
    this.chunkCount = states.length;
  }

  /** Opens a journal on a file of any kind; see `openJournal`. */
  static async open(file: JournalFile, identity: JournalIdentity, name: string): Promise<Journal> {
    const { capacityBytes, volumeId, formerVolumeIds = [] } = identity;
    let header = await readHeader(file);
    if (!header) return Journal.#create(file, identity);
    const chunkBytes = identity.chunkBytes ?? header.chunkBytes;
    if (
      ![volumeId, ...formerVolumeIds].includes(header.volumeId) ||
      header.capacityBytes > capacityBytes ||
      header.chunkBytes !== chunkBytes
    ) {
      throw new OsseaError(
        'copy.journal',
        `The journal ${name} tells of volume ${header.volumeId} with ${header.capacityBytes} bytes in chunks of ` +
          `${header.chunkBytes}, but volume ${volumeId} with ${capacityBytes} bytes in chunks of ${chunkBytes} is meant.`,
        { remedy: 'Delete the journal to copy the whole disk again.' },
      );
    }
    if (header.capacityBytes < capacityBytes) header = await growJournal(file, header, capacityBytes);
    const states = await readStates(file, header);
    const slot = Buffer.alloc(slotBytes);
    await file.read(countersOffset, slot);
    const counters = decodeSlot(slot, JournalCounters);
    const current = counters?.pointNumber === header.pointNumber ? counters : noCounters(header.pointNumber);
    const journal = new Journal(file, header, states, current);
    if (header.volumeId !== volumeId) await journal.#putHeader({ volumeId });
    return journal;
  }

  static async #create(file: JournalFile, identity: JournalIdentity): Promise<Journal> {
    const { capacityBytes, volumeId } = identity;
    const chunkBytes = identity.chunkBytes ?? chunkBytesFor(capacityBytes);
    const chunks = Math.ceil(capacityBytes / chunkBytes);
    const header: JournalHeader = {
      format: 'ossea-journal-1',
      sequence: 0,
      id: randomUUID(),
      volumeId,
      capacityBytes,
      chunkBytes,
      pointNumber: 0,
      touchedChunks: 0,
      // A file that has records but no header was damaged: the volume may hold anything. Its records fit no new id.
      ...((await file.sizeBytes()) > recordsOffset && { targetWasZero: false }),
      rechecking: false,
      zeroedDeviceBytes: 0,
    };
    const journal = new Journal(file, header, new Uint8Array(chunks), noCounters(0));
    await journal.#putHeader({});
    return journal;
  }

  get volumeId(): string {
    return this.#header.volumeId;
  }

  get capacityBytes(): number {
    return this.#header.capacityBytes;
  }

  get chunkBytes(): number {
    return this.#header.chunkBytes;
  }

  /** Undefined until the first `beginPoint`. */
  get point(): JournalPoint | undefined {
    return this.#header.point;
  }

  /** True when every chunk equals the source at `point`. */
  get isComplete(): boolean {
    return this.#states.every(isDone);
  }

  summary(): JournalSummary {
    const bytes = [0, 0, 0, 0, 0];
    this.#states.forEach((state, index) => {
      bytes[state]! += this.chunkRange(index).length;
    });
    const of = (state: ChunkState) => bytes[state]!;
    return {
      doneBytes: of(chunkState.done) + of(chunkState.zero),
      zeroBytes: of(chunkState.zero),
      staleBytes: of(chunkState.stale),
      unknownBytes: of(chunkState.unknown) + of(chunkState.untouched),
    };
  }

  /**
   * Turns to another point. Durable when it resolves; a kill in between leaves the old point, with at most some chunks to
   * compare again. Does nothing when `point.snapshot` is the current one (a resumed copy).
   *
   * @param changed what may differ between the journal's current point and this one, as changed-block tracking tells it **since
   *   `journal.point.changeId`**; `'all'` where that is not known: every chunk is then read and only what differs written.
   */
  async beginPoint(point: JournalPoint, changed: readonly ByteRange[] | 'all'): Promise<void> {
    if (this.point?.snapshot === point.snapshot) return;
    const ranges = changed === 'all' || this.#header.streaming ? [this.#whole] : changed;
    await this.#doubt(ranges);
    const pointNumber = this.#header.pointNumber + 1;
    await this.#putHeader({ point: { ...point }, pointNumber, rechecking: false, streaming: false });
    this.#counters = noCounters(pointNumber);
  }

  /**
   * Takes every chunk for stale at the same point, to compare all of them with the source again. Goes on with such a comparison
   * where an earlier one was interrupted. Throws `copy.journal` when the copy is not complete.
   */
  async beginRecheck(): Promise<void> {
    if (this.#header.rechecking && !this.isComplete) return;
    if (!this.isComplete) throw this.#incomplete(this.#states.findIndex((state) => !isDone(state)));
    await this.keepCounters(noCounters(this.#header.pointNumber));
    await this.#putHeader({ rechecking: true });
    await this.#doubt([this.#whole]);
  }

  /** Ends what `beginRecheck` began. */
  async endRecheck(): Promise<void> {
    await this.#putHeader({ rechecking: false });
  }

  /**
   * To be called before the source is read as one stream: what such a stream gives counts only when all of it has come and was found
   * to be right. Takes every chunk for stale, and remembers until `endStream` that what is done since is not sure.
   */
  async beginStream(): Promise<void> {
    await this.#putHeader({ streaming: true, ...(this.isStreaming && { strayWrites: true }) });
    await this.#doubt([this.#whole]);
  }

  /** The stream was right. */
  async endStream(): Promise<void> {
    await this.#putHeader({ streaming: false });
  }

  /** True where a stream was begun and never found to be right: what is done may be wrong. */
  get isStreaming(): boolean {
    return this.#header.streaming ?? false;
  }

  /** To be called before the source is read at random after such a stream: every chunk is compared again. */
  async leaveStream(): Promise<void> {
    await this.#doubt([this.#whole]);
    await this.#putHeader({ streaming: false, strayWrites: true });
  }

  /**
   * BLAKE3 over the digests of all chunks in order, hex. Throws `copy.journal` while a chunk is not done.
   *
   * @param instead digests to take in place of the journal's, by chunk.
   */
  async diskDigest(instead: ReadonlyMap<number, Uint8Array> = new Map()): Promise<string> {
    const whole = new DiskDigest();
    for (let first = 0; first < this.chunkCount; first += pageRecords) {
      const count = Math.min(pageRecords, this.chunkCount - first);
      const records = await this.#readRecords(first, count);
      const digests = Buffer.allocUnsafe(count * digestBytes);
      for (let i = 0; i < count; i++) {
        const other = instead.get(first + i);
        if (other) {
          digests.set(other, i * digestBytes);
          continue;
        }
        if (!isDone(this.#states[first + i]!)) throw this.#incomplete(first + i);
        records.copy(digests, i * digestBytes, i * recordBytes + 4, i * recordBytes + 4 + digestBytes);
      }
      whole.add(digests);
    }
    return whole.finish();
  }

  chunkRange(index: number): ByteRange {
    const offset = index * this.chunkBytes;
    return { offset, length: Math.min(this.chunkBytes, this.capacityBytes - offset) };
  }

  stateOf(index: number): ChunkState {
    return this.#states[index] as ChunkState;
  }

  /**
   * Settles whether the target was all zeros before the first copy. Only the first call decides: once data was written, nobody
   * outside can tell any more. Durable.
   */
  async noteTarget(knownZero: boolean): Promise<void> {
    if (this.#header.targetWasZero === undefined) await this.#putHeader({ targetWasZero: knownZero });
  }

  /** True when the target was all zeros before the first copy. */
  get targetWasZero(): boolean {
    return this.#header.targetWasZero ?? false;
  }

  /**
   * True where the target still has the zeros that it was created with, if the source is zero there as well: the chunk was never
   * written, or only in this first point, in which what is zero on the source was never anything else, unless a stream told it wrong.
   */
  holdsZeros(index: number): boolean {
    return (
      this.targetWasZero &&
      this.#states[index] === chunkState.untouched &&
      ((this.#header.pointNumber <= 1 && !this.#header.strayWrites) || index >= this.#header.touchedChunks)
    );
  }

  /** The digest of what the target holds. Only for done, zero and stale chunks. */
  async digestOf(index: number): Promise<Uint8Array> {
    const { records, position } = await this.#recordOf(index);
    return records.subarray(position + 4, position + 4 + digestBytes);
  }

  /** True where the chunk was written on the way to the current point, also when it was taken for stale since. */
  async wasWrittenHere(index: number): Promise<boolean> {
    const { records, position } = await this.#recordOf(index);
    return wasWrittenAt(records, position, this.#header.pointNumber);
  }

  async #recordOf(index: number): Promise<{ readonly records: Buffer; readonly position: number }> {
    const number = Math.floor(index / pageRecords);
    let page = this.#page;
    if (page?.number !== number) {
      const first = number * pageRecords;
      page = { number, records: this.#readRecords(first, Math.min(pageRecords, this.chunkCount - first)) };
      this.#page = page;
    }
    return { records: await page.records, position: (index % pageRecords) * recordBytes };
  }

  /** To be awaited before an untouched chunk is written: afterwards the journal remembers that it may have been. */
  async touch(index: number): Promise<void> {
    while (index >= this.#header.touchedChunks) {
      const ahead = Math.ceil(touchAheadBytes / this.chunkBytes);
      await this.#putHeader({ touchedChunks: Math.min(this.chunkCount, index + ahead) });
    }
  }

  /** To be awaited before chunks with a known digest are overwritten: a torn write must not pass for the old content. */
  async forget(indexes: readonly number[]): Promise<void> {
    if (indexes.length === 0) return;
    for (const index of indexes) {
      this.#states[index] = chunkState.unknown;
      const record = Buffer.alloc(recordBytes);
      encodeRecord(record, 0, { seed: this.#seed, index, state: chunkState.unknown });
      await this.#writeRecords(index, record);
    }
    await this.#file.sync();
  }

  /** Notes chunks whose content was flushed on the target before; durable when it resolves. */
  async finish(chunks: readonly FinishedChunk[]): Promise<void> {
    const sorted = chunks.toSorted((a, b) => a.index - b.index);
    for (let from = 0; from < sorted.length; ) {
      const first = sorted[from]!.index;
      let to = from + 1;
      while (to < sorted.length && this.#isBlankBetween(sorted[to - 1]!.index, sorted[to]!.index)) to += 1;
      const records = Buffer.alloc((sorted[to - 1]!.index + 1 - first) * recordBytes);
      for (let i = from; i < to; i++) {
        const { index, digest, zero, written } = sorted[i]!;
        const state = zero ? chunkState.zero : chunkState.done;
        const writtenAt = written ? this.#header.pointNumber : undefined;
        const record = { seed: this.#seed, index, state, digest, writtenAt };
        encodeRecord(records, (index - first) * recordBytes, record);
      }
      await this.#writeRecords(first, records);
      from = to;
    }
    await this.#file.sync();
    for (const { index, zero } of sorted) this.#states[index] = zero ? chunkState.zero : chunkState.done;
  }

  /** The chunks that were written on the way to the current point, in order. */
  async writtenChunks(): Promise<number[]> {
    const written: number[] = [];
    for (let first = 0; first < this.chunkCount; first += pageRecords) {
      const count = Math.min(pageRecords, this.chunkCount - first);
      const records = await this.#readRecords(first, count);
      for (let i = 0; i < count; i++) {
        const isWritten = wasWrittenAt(records, i * recordBytes, this.#header.pointNumber);
        if (isDone(this.#states[first + i]!) && isWritten) written.push(first + i);
      }
    }
    return written;
  }

  /** Counters of the current point. */
  get counters(): JournalCounters {
    return this.#counters;
  }

  /** Keeps the counters over an end of the process; not over a loss of power, where they may fall back a little. */
  keepCounters(counters: Omit<JournalCounters, 'pointNumber'>): Promise<void> {
    const turn = this.#countersTurn.then(async () => {
      this.#counters = { ...counters, pointNumber: this.#header.pointNumber };
      await this.#file.write(countersOffset, encodeSlot(this.#counters));
    });
    this.#countersTurn = turn.catch(() => undefined);
    return turn;
  }

  /** The size of the device whose space behind the disk is zero. */
  get zeroedDeviceBytes(): number {
    return this.#header.zeroedDeviceBytes;
  }

  /** Notes that the space behind the disk was zeroed and flushed. */
  async noteZeroedDevice(deviceBytes: number): Promise<void> {
    await this.#putHeader({ zeroedDeviceBytes: deviceBytes });
  }

  /** Notes that others than copies may have written anywhere on the device: nothing of it is known to be zero any more. Durable. */
  async noteForeignWrites(): Promise<void> {
    await this.#putHeader({ targetWasZero: false, zeroedDeviceBytes: 0 });
  }

  async close(): Promise<void> {
    await Promise.all([this.#headerTurn, this.#countersTurn]);
    await this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #whole(): ByteRange {
    return { offset: 0, length: this.capacityBytes };
  }

  /** Takes what is done in the ranges for stale; unknown chunks stay unknown. Durable. */
  async #doubt(ranges: readonly ByteRange[]): Promise<void> {
    for (const { offset, length } of normaliseRanges(ranges, this.capacityBytes)) {
      const end = Math.ceil((offset + length) / this.chunkBytes);
      for (let first = Math.floor(offset / this.chunkBytes); first < end; first += pageRecords) {
        await this.#doubtPage(first, Math.min(pageRecords, end - first));
      }
    }
    await this.#file.sync();
  }

  async #doubtPage(first: number, count: number): Promise<void> {
    if (!this.#states.subarray(first, first + count).some(isDone)) return;
    const records = await this.#readRecords(first, count);
    for (let i = 0; i < count; i++) {
      if (!isDone(this.#states[first + i]!)) continue;
      const position = i * recordBytes;
      const digest = Buffer.from(records.subarray(position + 4, position + 4 + digestBytes));
      encodeRecord(records, position, {
        seed: this.#seed,
        index: first + i,
        state: chunkState.stale,
        digest,
        writtenAt: records.readUInt16LE(position + 2),
      });
      this.#states[first + i] = chunkState.stale;
    }
    await this.#writeRecords(first, records);
  }

  /**
   * True where both records can be written at once: the few chunks between them are untouched, and records of those are zeros. No
   * other call than `finish` writes over them.
   */
  #isBlankBetween(index: number, next: number): boolean {
    if (next - index > joinRecords) return false;
    for (let between = index + 1; between < next; between++) {
      if (this.#states[between] !== chunkState.untouched) return false;
    }
    return true;
  }

  #incomplete(index: number): OsseaError {
    return new OsseaError(
      'copy.journal',
      `The copy to volume ${this.volumeId} is not complete: nothing is known for sure at offset ${index * this.chunkBytes}.`,
      { remedy: 'Run the replication to its end.' },
    );
  }

  async #readRecords(first: number, count: number): Promise<Buffer> {
    const records = Buffer.allocUnsafe(count * recordBytes);
    await this.#file.read(recordsOffset + first * recordBytes, records);
    return records;
  }

  async #writeRecords(first: number, records: Buffer): Promise<void> {
    this.#page = undefined;
    await this.#file.write(recordsOffset + first * recordBytes, records);
    // A page that was read meanwhile may hold the old records.
    this.#page = undefined;
  }

  /** Changes the header durably, one change at a time. */
  #putHeader(change: Partial<JournalHeader>): Promise<void> {
    const turn = this.#headerTurn.then(async () => {
      const header = { ...this.#header, ...change, sequence: this.#header.sequence + 1 };
      const offset = headerOffsets[header.sequence % 2]!;
      await this.#file.write(offset, encodeSlot(header));
      await this.#file.sync();
      this.#header = header;
    });
    this.#headerTurn = turn.catch(() => undefined);
    return turn;
  }
}

function isDone(state: number): boolean {
  return state === chunkState.done || state === chunkState.zero;
}

function noCounters(pointNumber: number): JournalCounters {
  return {
    pointNumber,
    readBytes: 0,
    writtenBytes: 0,
    skippedBytes: 0,
    rereadBytes: 0,
    keptBytes: 0,
    differingChunks: 0,
  };
}
