import type { TargetDevice } from '../disk/targetDevice.ts';
import type { FinishedChunk, Journal } from './journal.ts';

const minBytes = 256 * 1024;
const maxBytes = 256 * 1024 * 1024;
/** Chunks that wait for a checkpoint, so that a large hole does not fill the memory. */
const maxChunks = 16_384;
const everyMs = 1000;
/** A small copy that is quick has no use for more of them than this. */
const leastMs = 10;
/** A flush that takes longer delays a cancel, so there is less to flush next time. */
const longFlushMs = 400;
const shortFlushMs = 100;

export interface CheckpointOptions {
  readonly target: TargetDevice;
  readonly journal: Journal;
  /** Bytes of the whole copy, as they are known now; read at each checkpoint. */
  readonly plannedBytes: () => number;
  /** What is read in so long a time. */
  readonly bytesWithin: (milliseconds: number) => number;
  /** So many planned bytes are safe now. */
  readonly onSafe: (readBytes: number) => void;
  readonly onError: (error: unknown) => void;
}

/** Makes chunks count as done: first the target is flushed, then the journal written and flushed, while copying goes on. */
export class Checkpoints implements Disposable {
  readonly #options: CheckpointOptions;
  readonly #timer: NodeJS.Timeout;
  #chunks: FinishedChunk[] = [];
  #bytes = 0;
  #dirty = false;
  #ceilingBytes = maxBytes;
  #running: Promise<void> | undefined;
  /** Why one failed. The kernel tells it once and takes what it could not write for clean (fsync(2)): a later flush that succeeds proves nothing. */
  #failure: { readonly error: unknown } | undefined;

  constructor(options: CheckpointOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#begin(), everyMs);
  }

  /** After so many bytes a checkpoint begins: a percent of the copy, if that takes a while to read. */
  get intervalBytes(): number {
    const { plannedBytes, bytesWithin } = this.#options;
    return Math.min(this.#ceilingBytes, Math.max(minBytes, plannedBytes() / 100, bytesWithin(leastMs)));
  }

  /** Takes a chunk whose content the kernel has. `readBytes` of the plan went into it. */
  add(chunk: FinishedChunk, readBytes: number): void {
    this.#chunks.push(chunk);
    this.#bytes += readBytes;
    this.#dirty ||= chunk.written;
    if (this.#bytes >= this.intervalBytes || this.#chunks.length >= maxChunks) this.#begin();
  }

  /**
   * To be called again and again while the copy waits because `unsafeBytes`, what is being read included, come near the limit.
   * Begins one as soon as it is worth the flush.
   */
  hurry(unsafeBytes: number, limitBytes: number): void {
    const nothingToCome = this.#bytes >= unsafeBytes;
    if (nothingToCome || this.#bytes >= limitBytes / 4) this.#begin();
  }

  /** True when so many chunks wait for a checkpoint that no more should be added. */
  get isCrowded(): boolean {
    return this.#chunks.length >= 2 * maxChunks;
  }

  /** Makes everything safe that was added. Rejects when that fails, or a checkpoint before it did. */
  async finish(): Promise<void> {
    await this.settled();
    if (this.#failure) throw this.#failure.error;
    this.#options.onSafe(await this.#checkpoint());
  }

  /** Resolves when no checkpoint is running any more. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #begin(): void {
    if (this.#running || this.#failure || this.#chunks.length === 0) return;
    this.#running = this.#checkpoint().then(
      (bytes) => {
        this.#running = undefined;
        if (this.#bytes >= this.intervalBytes) this.#begin();
        this.#options.onSafe(bytes);
      },
      (error: unknown) => {
        this.#running = undefined;
        this.#failure = { error };
        this.#options.onError(error);
      },
    );
  }

  /** Returns how many planned bytes have become safe. */
  async #checkpoint(): Promise<number> {
    const { target, journal } = this.#options;
    const chunks = this.#chunks;
    const bytes = this.#bytes;
    const dirty = this.#dirty;
    this.#chunks = [];
    this.#bytes = 0;
    this.#dirty = false;
    if (dirty) {
      const startedAt = performance.now();
      await target.flush();
      this.#adapt(performance.now() - startedAt, bytes);
    }
    if (chunks.length > 0) await journal.finish(chunks);
    return bytes;
  }

  #adapt(flushMs: number, bytes: number): void {
    if (flushMs > longFlushMs) this.#ceilingBytes = Math.max(minBytes, bytes / 2);
    else if (flushMs < shortFlushMs) this.#ceilingBytes = Math.min(maxBytes, this.#ceilingBytes * 2);
  }
}
