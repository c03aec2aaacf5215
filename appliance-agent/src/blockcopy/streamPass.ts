import { isOsseaError, OsseaError } from '../contract/index.ts';
import type { StreamDisk, StreamPiece } from '../disk/streamDisk.ts';
import { cancelled } from './cancelled.ts';
import { Checkpoints } from './checkpoints.ts';
import { chunkBuffers } from './chunkBuffers.ts';
import { ChunkSink, type HoleRun, writesAtATime } from './chunkSink.ts';
import { CopyMeter } from './copyMeter.ts';
import type { RunOptions } from './copyOptions.ts';
import { chunkState, type JournalCounters } from './journalFormat.ts';
import { StallWatch } from './stallWatch.ts';
import { orAbort, TaskGroup } from './taskGroup.ts';

const defaultStallSeconds = 600;
const progressMs = 250;
/** Chunks that are being digested and written while the next one is filled. */
const chunksAtOnce = writesAtATime + 1;
/** So many chunks are passed over before other work of the process gets its turn. */
const chunksPerTurn = 1024;

/** A chunk that the stream is filling. */
interface Filling {
  readonly index: number;
  readonly whole: Buffer;
  readonly content: Buffer;
  /** Where its content ends so far, from the chunk's start. */
  filledTo: number;
  dataBytes: number;
}

/** One reading of a stream from its start to its end: chunks come in order, and each is compared with what the target holds. */
export class StreamPass {
  readonly #options: RunOptions<StreamDisk>;
  readonly #meter: CopyMeter;
  readonly #tasks = new TaskGroup();
  /** What this pass means to read: data, and what may be. */
  #plannedBytes: number;
  /** What this pass has made safe. Earlier ones may have done more, which stays so. */
  #keptBytes = 0;
  #filling: Filling | undefined;
  /** The first chunk that nothing was told of yet. */
  #next = 0;
  #position = 0;

  constructor(options: RunOptions<StreamDisk>) {
    this.#options = options;
    this.#plannedBytes = options.journal.capacityBytes;
    const pass = this;
    this.#meter = new CopyMeter(options.journal, {
      startsOver: true,
      get plannedBytes() {
        return pass.#plannedBytes;
      },
    });
  }

  /** How far into the disk the stream has come. */
  get position(): number {
    return this.#position;
  }

  /** Copies, and returns the counters of the point. Rejects with the first failure. */
  async run(): Promise<JournalCounters> {
    const {
      target,
      journal,
      label,
      signal,
      onDifference,
      stallSeconds = defaultStallSeconds,
    } = this.#options;
    const tasks = this.#tasks;
    const meter = this.#meter;
    const cancel = () => tasks.fail(cancelled(label, signal.reason));
    signal.addEventListener('abort', cancel, { once: true });
    const progress = setInterval(() => this.#report(), progressMs);
    // A stream cannot be connected anew in its middle: the pass ends, and another one begins.
    const reconnect = async () => tasks.fail(stalled(label, stallSeconds));
    using watch = new StallWatch(
      { reconnect },
      { label, stallSeconds, reconnects: 1, onStalled: (error) => tasks.fail(error) },
    );
    using checkpoints = new Checkpoints({
      target,
      journal,
      plannedBytes: () => meter.plannedBytes,
      bytesWithin: (milliseconds) => meter.bytesWithin(milliseconds),
      onSafe: (bytes) => this.#safe(bytes),
      onError: (error) => tasks.fail(error),
    });
    const sink = new ChunkSink({ target, journal, meter, checkpoints, stop: tasks.stop, onDifference });
    try {
      await this.#copy(watch, checkpoints, sink).catch((error: unknown) => tasks.fail(error));
      await tasks.settle();
      if (tasks.failure === undefined) {
        await checkpoints.finish();
        await journal.endStream();
      } else {
        await this.#keepWhatIsSafe(checkpoints);
      }
    } finally {
      clearInterval(progress);
      signal.removeEventListener('abort', cancel);
    }
    await journal.keepCounters(meter.counters);
    if (tasks.failure !== undefined) throw tasks.failure;
    this.#options.onProgress?.(meter.progress(this.#options.phase));
    return meter.counters;
  }

  async #copy(watch: StallWatch, checkpoints: Checkpoints, sink: ChunkSink): Promise<void> {
    const { source, target, journal } = this.#options;
    await journal.noteTarget(target.knownZero);
    await journal.beginStream();
    await sink.zeroTail();
    const pieces = source.stream(this.#tasks.stop)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const piece = await this.#nextPiece(pieces, watch);
        if (!piece) break;
        await this.#throttle(piece.receivedBytes);
        if (piece.content.length > 0) await this.#take(piece, checkpoints, sink);
      }
    } catch (error) {
      // It lets go of its connection by itself; a piece that never comes must not hold up a cancel.
      pieces.return?.().catch(() => undefined);
      throw error;
    }
    await this.#advance(journal.chunkCount, checkpoints, sink);
    await this.#writeHole(sink.lastHole(), sink);
  }

  async #nextPiece(pieces: AsyncIterator<StreamPiece>, watch: StallWatch): Promise<StreamPiece | undefined> {
    this.#meter.begin('source');
    watch.sent();
    try {
      const { done, value } = await orAbort(pieces.next(), this.#tasks.stop);
      watch.heard();
      return done ? undefined : value;
    } finally {
      watch.answered();
      this.#meter.end('source');
    }
  }

  async #throttle(bytes: number): Promise<void> {
    const { limiters = [] } = this.#options;
    if (limiters.length === 0 || bytes === 0) return;
    this.#meter.begin('throttle');
    try {
      for (const limiter of limiters) await limiter.take(bytes, this.#tasks.stop);
    } finally {
      this.#meter.end('throttle');
    }
  }

  /** Puts a piece into the chunks that it lies in. */
  async #take({ offset, content }: StreamPiece, checkpoints: Checkpoints, sink: ChunkSink): Promise<void> {
    const { journal } = this.#options;
    this.#meter.count('readBytes', content.length);
    for (let done = 0; done < content.length; ) {
      const at = offset + done;
      const index = Math.floor(at / journal.chunkBytes);
      if (this.#filling?.index !== index) await this.#advance(index, checkpoints, sink);
      this.#filling ??= this.#newFilling(index);
      const filling = this.#filling;
      const within = at - index * journal.chunkBytes;
      const count = Math.min(content.length - done, filling.content.length - within);
      filling.content.fill(0, filling.filledTo, within);
      filling.content.set(content.subarray(done, done + count), within);
      filling.filledTo = within + count;
      filling.dataBytes += count;
      done += count;
    }
    this.#position = offset + content.length;
  }

  #newFilling(index: number): Filling {
    const { journal } = this.#options;
    const whole = chunkBuffers.take(journal.chunkBytes);
    const content = whole.subarray(0, journal.chunkRange(index).length);
    this.#next = index + 1;
    return { index, whole, content, filledTo: 0, dataBytes: 0 };
  }

  /** Ends the chunk that is being filled, and takes those between it and `index` for holes. */
  async #advance(index: number, checkpoints: Checkpoints, sink: ChunkSink): Promise<void> {
    await this.#finishFilling(sink);
    const { journal } = this.#options;
    for (; this.#next < index; this.#next++) {
      if (this.#next % chunksPerTurn === 0) {
        await new Promise(setImmediate);
        if (checkpoints.isCrowded) await checkpoints.settled();
      }
      this.#tasks.stop.throwIfAborted();
      this.#plannedBytes -= journal.chunkRange(this.#next).length;
      await this.#writeHole(await sink.hole(this.#next), sink);
    }
  }

  async #finishFilling(sink: ChunkSink): Promise<void> {
    const filling = this.#filling;
    if (!filling) return;
    this.#filling = undefined;
    const { journal } = this.#options;
    const { index, content, filledTo, dataBytes } = filling;
    content.fill(0, filledTo);
    this.#plannedBytes -= content.length - dataBytes;
    await this.#room();
    if (journal.stateOf(index) === chunkState.untouched) await journal.touch(index);
    this.#tasks.track(this.#put(filling, sink));
  }

  async #put({ index, whole, content, dataBytes }: Filling, sink: ChunkSink): Promise<void> {
    await sink.put(index, content, dataBytes);
    chunkBuffers.give(whole);
  }

  async #writeHole(run: HoleRun | undefined, sink: ChunkSink): Promise<void> {
    if (!run) return;
    await this.#room();
    this.#tasks.track(sink.writeHole(run));
  }

  async #room(): Promise<void> {
    while (this.#tasks.size >= chunksAtOnce) {
      this.#tasks.stop.throwIfAborted();
      await this.#tasks.woken();
    }
    this.#tasks.stop.throwIfAborted();
  }

  #safe(bytes: number): void {
    this.#keptBytes += bytes;
    this.#meter.count('keptBytes', Math.max(0, this.#keptBytes - this.#meter.counters.keptBytes));
    this.#keepCounters();
    this.#tasks.wake();
  }

  /** After a failure what was written is made safe as well; after a cancel there is no time for that. */
  async #keepWhatIsSafe(checkpoints: Checkpoints): Promise<void> {
    await checkpoints.settled();
    if (isOsseaError(this.#tasks.failure, 'copy.cancelled')) return;
    await checkpoints.finish().catch(() => undefined);
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

function stalled(label: string, seconds: number): OsseaError {
  return new OsseaError('source.stalled', `The stream of ${label} gave no byte for ${seconds} s.`, {
    retryable: true,
    remedy: 'Check the network to the ESXi host and the load of its datastore; the stream is read again.',
  });
}
