import { isOsseaError } from '../contract/index.ts';
import { type ByteRange, totalBytes } from '../disk/extent.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import { cancelled } from './cancelled.ts';
import { Checkpoints } from './checkpoints.ts';
import { chunkBuffers } from './chunkBuffers.ts';
import { ChunkSink, type HoleRun, writesAtATime } from './chunkSink.ts';
import { CopyMeter } from './copyMeter.ts';
import type { RunOptions } from './copyOptions.ts';
import { CopyPlan } from './copyPlan.ts';
import { chunkState, type JournalCounters } from './journalFormat.ts';
import { StallWatch } from './stallWatch.ts';
import { orAbort, TaskGroup } from './taskGroup.ts';

/** What a kill may cost: this share of the copy is read but not yet safe, or what is read in this time, if that is more. */
const unsafeShare = 0.03;
const unsafeMs = 40;
const progressMs = 250;
/** So many chunks are passed over before other work of the process gets its turn. */
const chunksPerTurn = 1024;

/** One run of a copy: from the issue of reads in order, over chunks in any order, to the last checkpoint. */
export class CopyRun {
  readonly #options: RunOptions<SourceDisk>;
  readonly #plan: CopyPlan;
  readonly #meter: CopyMeter;
  readonly #tasks = new TaskGroup();
  /** Read or being read, and not safe yet. */
  #unsafeBytes = 0;

  constructor(options: RunOptions<SourceDisk>) {
    this.#options = options;
    this.#plan = new CopyPlan(options.journal);
    this.#meter = new CopyMeter(options.journal, this.#plan);
  }

  /** Copies, and returns the counters of the point. Rejects like `copyDisk`. */
  async run(): Promise<JournalCounters> {
    const { source, target, journal, label, signal, stallSeconds = 60, stallReconnects = 3 } = this.#options;
    const tasks = this.#tasks;
    const cancel = () => tasks.fail(cancelled(label, signal.reason));
    if (signal.aborted) throw cancelled(label, signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    const progress = setInterval(() => this.#report(), progressMs);
    using watch = new StallWatch(source, {
      label,
      stallSeconds,
      reconnects: stallReconnects,
      onStalled: (error) => tasks.fail(error),
    });
    using checkpoints = new Checkpoints({
      target,
      journal,
      plannedBytes: () => this.#meter.plannedBytes,
      bytesWithin: (milliseconds) => this.#meter.bytesWithin(milliseconds),
      onSafe: (bytes) => this.#safe(bytes),
      onError: (error) => tasks.fail(error),
    });
    const { onDifference } = this.#options;
    const meter = this.#meter;
    const sink = new ChunkSink({ target, journal, meter, checkpoints, stop: tasks.stop, onDifference });
    const copy = async () => {
      await journal.noteTarget(target.knownZero);
      tasks.track(this.#scan(watch));
      await sink.zeroTail();
      await this.#issue(watch, checkpoints, sink);
    };
    try {
      await copy().catch((error: unknown) => tasks.fail(error));
      await tasks.settle();
      if (tasks.failure === undefined) await checkpoints.finish();
      else await this.#keepWhatIsSafe(checkpoints);
    } finally {
      clearInterval(progress);
      signal.removeEventListener('abort', cancel);
    }
    await journal.keepCounters(meter.counters);
    if (tasks.failure !== undefined) throw tasks.failure;
    this.#options.onProgress?.(meter.progress(this.#options.phase));
    return meter.counters;
  }

  get #stop(): AbortSignal {
    return this.#tasks.stop;
  }

  /** After a failure what was written is made safe as well; after a cancel there is no time for that. */
  async #keepWhatIsSafe(checkpoints: Checkpoints): Promise<void> {
    await checkpoints.settled();
    if (isOsseaError(this.#tasks.failure, 'copy.cancelled')) return;
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

  /** Goes through the chunks in order and sets each one going when there is room for it. */
  async #issue(watch: StallWatch, checkpoints: Checkpoints, sink: ChunkSink): Promise<void> {
    const { journal } = this.#options;
    const writeHole = async (run: HoleRun | undefined) => {
      if (!run) return;
      await this.#room(0, checkpoints);
      this.#tasks.track(sink.writeHole(run));
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
      if (pieces.length === 0) {
        await writeHole(await sink.hole(index));
        continue;
      }
      await this.#throttle(pieces);
      await this.#room(totalBytes(pieces), checkpoints);
      if (journal.stateOf(index) === chunkState.untouched) await journal.touch(index);
      this.#tasks.track(this.#copyChunk(index, pieces, watch, sink));
    }
    await writeHole(sink.lastHole());
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
      const most = Math.min(buffers + writesAtATime, chunkBuffers.share(journal.chunkBytes));
      if (safe && this.#tasks.size < most) break;
      if (!safe) checkpoints.hurry(this.#unsafeBytes, limit);
      await this.#tasks.woken();
    }
    this.#unsafeBytes += bytes;
  }

  #safe(bytes: number): void {
    this.#unsafeBytes -= bytes;
    this.#meter.count('keptBytes', bytes);
    this.#keepCounters();
    this.#tasks.wake();
  }

  async #copyChunk(
    index: number,
    pieces: readonly ByteRange[],
    watch: StallWatch,
    sink: ChunkSink,
  ): Promise<void> {
    const { journal } = this.#options;
    const { offset, length } = journal.chunkRange(index);
    const whole = chunkBuffers.take(journal.chunkBytes);
    const content = whole.subarray(0, length);
    const readBytes = totalBytes(pieces);
    await this.#read(offset, content, pieces, watch);
    this.#meter.count('readBytes', readBytes);
    if (!(await sink.put(index, content, readBytes))) this.#unsafeBytes -= readBytes;
    chunkBuffers.give(whole);
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

  #report(): void {
    const { onProgress, phase } = this.#options;
    onProgress?.(this.#meter.progress(phase));
    this.#keepCounters();
  }

  #keepCounters(): void {
    const { journal } = this.#options;
    journal.keepCounters(this.#meter.counters).catch((error: unknown) => this.#tasks.fail(error));
  }
}
