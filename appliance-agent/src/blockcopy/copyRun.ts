import pLimit from 'p-limit';
import { isOsseaError } from '../contract/index.ts';
import { type ByteRange, totalBytes } from '../disk/extent.ts';
import { cancelled } from './cancelled.ts';
import { Checkpoints } from './checkpoints.ts';
import { CopyMeter, type CopyProgress } from './copyMeter.ts';
import type { CopyOptions } from './copyOptions.ts';
import { CopyPlan } from './copyPlan.ts';
import { chunkDigest, dataRuns, zeroDigest } from './digest.ts';
import { chunkState, type JournalCounters } from './journalFormat.ts';
import { StallWatch } from './stallWatch.ts';

/** Writes at a time per disk: many threads that write one file are in each other's way. */
const writesAtATime = 3;
/** Zeros are written in pieces no longer than this, so that a cancel need not wait long. */
const zeroRunBytes = 128 * 1024 * 1024;
/** What a kill may cost: this share of the copy is read but not yet safe, or what is read in this time, if that is more. */
const unsafeShare = 0.03;
const unsafeMs = 40;
const progressMs = 250;
/** So many chunks are passed over before other work of the process gets its turn. */
const chunksPerTurn = 1024;

export interface CopyRunOptions extends CopyOptions {
  readonly phase: CopyProgress['phase'];
  /** Where given, chunks that differ are told here with the source's digest and noted as unknown, but not written. */
  readonly onDifference?: ((index: number, sourceDigest: Uint8Array) => void) | undefined;
}

/** One run of a copy: from the issue of reads in order, over chunks in any order, to the last checkpoint. */
export class CopyRun {
  readonly #options: CopyRunOptions;
  readonly #plan: CopyPlan;
  readonly #meter: CopyMeter;
  readonly #stopping = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #writes = pLimit(writesAtATime);
  readonly #buffers: Buffer[] = [];
  /** Read or being read, and not safe yet. */
  #unsafeBytes = 0;
  #wake: (() => void) | undefined;
  #failure: unknown;

  constructor(options: CopyRunOptions) {
    this.#options = options;
    this.#plan = new CopyPlan(options.journal);
    this.#meter = new CopyMeter(options.journal, this.#plan);
  }

  /** Copies, and returns the counters of the point. Rejects like `copyDisk`. */
  async run(): Promise<JournalCounters> {
    const { source, target, journal, label, signal, stallSeconds = 60, stallReconnects = 3 } = this.#options;
    const cancel = () => this.#fail(cancelled(label, signal.reason));
    if (signal.aborted) throw cancelled(label, signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    const progress = setInterval(() => this.#report(), progressMs);
    using watch = new StallWatch(source, {
      label,
      stallSeconds,
      reconnects: stallReconnects,
      onStalled: (error) => this.#fail(error),
    });
    using checkpoints = new Checkpoints({
      target,
      journal,
      plannedBytes: () => this.#meter.plannedBytes,
      bytesWithin: (milliseconds) => this.#meter.bytesWithin(milliseconds),
      onSafe: (bytes) => this.#safe(bytes),
      onError: (error) => this.#fail(error),
    });
    const copy = async () => {
      await journal.noteTarget(target.knownZero);
      this.#track(this.#scan(watch));
      await this.#zeroTail();
      await this.#issue(watch, checkpoints);
    };
    try {
      await copy().catch((error: unknown) => this.#fail(error));
      await this.#settle();
      if (this.#failure === undefined) await checkpoints.finish();
      else await this.#keepWhatIsSafe(checkpoints);
    } finally {
      clearInterval(progress);
      signal.removeEventListener('abort', cancel);
    }
    await journal.keepCounters(this.#meter.counters);
    if (this.#failure !== undefined) throw this.#failure;
    this.#options.onProgress?.(this.#meter.progress(this.#options.phase));
    return this.#meter.counters;
  }

  get #stop(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The first failure ends the run; reads under way are given up, writes under way are waited for. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#stopping.abort(this.#failure);
    this.#wakeIssuer();
  }

  #track(task: Promise<void>): void {
    const tracked = task
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#tasks.delete(tracked);
        this.#wakeIssuer();
      });
    this.#tasks.add(tracked);
  }

  async #settle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** After a failure what was written is made safe as well; after a cancel there is no time for that. */
  async #keepWhatIsSafe(checkpoints: Checkpoints): Promise<void> {
    await checkpoints.settled();
    if (isOsseaError(this.#failure, 'copy.cancelled')) return;
    await checkpoints.finish().catch(() => undefined);
  }

  async #scan(watch: StallWatch): Promise<void> {
    watch.sent();
    try {
      const scan = this.#plan.scan(this.#options.source, this.#stop, () => watch.heard());
      await orAbort(scan, this.#stop);
    } finally {
      watch.answered();
    }
  }

  /** The volume has whole GiB: what lies behind the disk must not hold what another tenant left (nor an old partition table). */
  async #zeroTail(): Promise<void> {
    const { target, journal } = this.#options;
    const from = Math.max(journal.capacityBytes, journal.zeroedDeviceBytes);
    if (this.#options.onDifference || journal.zeroedDeviceBytes >= target.sizeBytes) return;
    if (!journal.targetWasZero) {
      for (let at = from; at < target.sizeBytes; at += zeroRunBytes) {
        this.#stop.throwIfAborted();
        await target.writeZeros(at, Math.min(zeroRunBytes, target.sizeBytes - at));
      }
      await target.flush();
    }
    await journal.noteZeroedDevice(target.sizeBytes);
  }

  /** Goes through the chunks in order and sets each one going when there is room for it. */
  async #issue(watch: StallWatch, checkpoints: Checkpoints): Promise<void> {
    const { journal } = this.#options;
    let hole: { first: number; end: number } | undefined;
    const endHole = async () => {
      if (!hole) return;
      const { first, end } = hole;
      hole = undefined;
      await this.#room(0, checkpoints);
      this.#track(this.#writeHole(first, end, checkpoints));
    };
    for (let index = 0; index < journal.chunkCount; index++) {
      if (index % chunksPerTurn === 0) {
        await new Promise(setImmediate);
        if (checkpoints.isCrowded) await checkpoints.settled();
      }
      this.#stop.throwIfAborted();
      if (!this.#plan.includes(index)) continue;
      if (!this.#plan.isKnown(index)) await this.#plan.known(index, this.#stop);
      const pieces = this.#plan.pieces(index);
      if (pieces.length > 0) {
        await this.#throttle(pieces);
        await this.#room(totalBytes(pieces), checkpoints);
        if (journal.stateOf(index) === chunkState.untouched) await journal.touch(index);
        this.#track(this.#copyChunk(index, pieces, watch, checkpoints));
        continue;
      }
      if (journal.holdsZeros(index) || (await this.#isKnownZero(index))) {
        this.#noteZeros(index, checkpoints, false);
        continue;
      }
      if (hole && (hole.end !== index || (hole.end - hole.first) * journal.chunkBytes >= zeroRunBytes)) {
        await endHole();
      }
      hole = { first: hole?.first ?? index, end: index + 1 };
    }
    await endHole();
  }

  async #throttle(pieces: readonly ByteRange[]): Promise<void> {
    const { limiters = [] } = this.#options;
    if (limiters.length === 0) return;
    this.#meter.begin('throttle');
    try {
      for (const limiter of limiters) await limiter.take(totalBytes(pieces), this.#stop);
    } finally {
      this.#meter.end('throttle');
    }
  }

  /** Waits for a free buffer, and until a kill could not cost too much. */
  async #room(bytes: number, checkpoints: Checkpoints): Promise<void> {
    const { source, journal } = this.#options;
    // Some buffers are being written while the source has all the requests that it wants.
    const buffers = Math.ceil(
      (source.preferred.inFlight * source.preferred.requestBytes) / journal.chunkBytes,
    );
    for (;;) {
      this.#stop.throwIfAborted();
      const limit = Math.max(
        checkpoints.intervalBytes,
        this.#meter.plannedBytes * unsafeShare,
        this.#meter.bytesWithin(unsafeMs),
      );
      const safe = this.#unsafeBytes === 0 || this.#unsafeBytes + bytes <= limit;
      if (safe && this.#tasks.size < buffers + writesAtATime) break;
      if (!safe) checkpoints.hurry(this.#unsafeBytes, limit);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#unsafeBytes += bytes;
  }

  #wakeIssuer(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #safe(bytes: number): void {
    this.#unsafeBytes -= bytes;
    this.#meter.count('keptBytes', bytes);
    this.#keepCounters();
    this.#wakeIssuer();
  }

  async #copyChunk(
    index: number,
    pieces: readonly ByteRange[],
    watch: StallWatch,
    checkpoints: Checkpoints,
  ): Promise<void> {
    const { journal } = this.#options;
    const { offset, length } = journal.chunkRange(index);
    const whole = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(journal.chunkBytes);
    const content = whole.subarray(0, length);
    const readBytes = totalBytes(pieces);
    await this.#read(offset, content, pieces, watch);
    this.#meter.count('readBytes', readBytes);

    const { runs, digest } = this.#meter.digest(() => {
      const found = dataRuns(content);
      return { runs: found, digest: found.length > 0 ? chunkDigest(content) : zeroDigest(length) };
    });
    const differs = await this.#differs(index, digest);
    const { onDifference } = this.#options;
    if (differs && onDifference) {
      onDifference(index, digest);
      await journal.forget([index]);
      this.#unsafeBytes -= readBytes;
    } else {
      const writtenBytes = differs ? await this.#writeChunk(index, content, runs) : 0;
      this.#meter.count('writtenBytes', writtenBytes);
      this.#meter.count('skippedBytes', length - writtenBytes);
      checkpoints.add({ index, digest, zero: runs.length === 0, written: differs }, readBytes);
    }
    this.#buffers.push(whole);
  }

  async #read(
    offset: number,
    content: Buffer,
    pieces: readonly ByteRange[],
    watch: StallWatch,
  ): Promise<void> {
    const { source } = this.#options;
    let filledTo = offset;
    const readPiece = async (piece: ByteRange): Promise<void> => {
      const into = content.subarray(piece.offset - offset, piece.offset - offset + piece.length);
      for (;;) {
        const { connection } = watch;
        try {
          await orAbort(source.read(piece.offset, into, this.#stop), this.#stop);
          return;
        } catch (error) {
          // A read that fell with a connection which the watchdog dropped is repeated on the new one.
          if (this.#stop.aborted || connection === watch.connection) throw error;
        }
      }
    };
    this.#meter.begin('source');
    watch.sent();
    try {
      const reads = pieces.map((piece) => {
        content.fill(0, filledTo - offset, piece.offset - offset);
        filledTo = piece.offset + piece.length;
        return readPiece(piece);
      });
      content.fill(0, filledTo - offset);
      await Promise.all(reads);
      watch.heard();
    } finally {
      watch.answered();
      this.#meter.end('source');
    }
  }

  /** False where the target is known to hold this content already. */
  async #differs(index: number, digest: Uint8Array): Promise<boolean> {
    const { journal } = this.#options;
    if (journal.stateOf(index) !== chunkState.stale) return true;
    if (Buffer.compare(await journal.digestOf(index), digest) === 0) return false;
    this.#meter.count('differingChunks', 1);
    return true;
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

  #noteZeros(index: number, checkpoints: Checkpoints, written: boolean): void {
    const { length } = this.#options.journal.chunkRange(index);
    this.#meter.count(written ? 'writtenBytes' : 'skippedBytes', length);
    checkpoints.add({ index, digest: zeroDigest(length), zero: true, written }, 0);
  }

  /** Writes zeros over chunks that the source has holes in. */
  async #writeHole(first: number, end: number, checkpoints: Checkpoints): Promise<void> {
    const { journal, target } = this.#options;
    const stale: number[] = [];
    for (let index = first; index < end; index++) {
      if (journal.stateOf(index) === chunkState.stale) stale.push(index);
    }
    this.#meter.count('differingChunks', stale.length);
    await journal.forget(stale);
    const { onDifference } = this.#options;
    if (onDifference) {
      for (let index = first; index < end; index++) {
        onDifference(index, zeroDigest(journal.chunkRange(index).length));
      }
      return;
    }
    const { offset } = journal.chunkRange(first);
    const last = journal.chunkRange(end - 1);
    await this.#write(() => target.writeZeros(offset, last.offset + last.length - offset));
    for (let index = first; index < end; index++) this.#noteZeros(index, checkpoints, true);
  }

  async #write(work: () => Promise<void>): Promise<void> {
    this.#meter.begin('target');
    try {
      await this.#writes(() => {
        this.#stop.throwIfAborted();
        return work();
      });
    } finally {
      this.#meter.end('target');
    }
  }

  #report(): void {
    const { onProgress, phase } = this.#options;
    onProgress?.(this.#meter.progress(phase));
    this.#keepCounters();
  }

  #keepCounters(): void {
    const { journal } = this.#options;
    journal.keepCounters(this.#meter.counters).catch((error: unknown) => this.#fail(error));
  }
}

/** The promise, or the signal's reason if that comes first; the promise then goes on unheard. */
function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
