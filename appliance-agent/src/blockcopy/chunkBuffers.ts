/** What all copies of the process may hold in chunks at a time; shared evenly among those that run. */
const budgetBytes = 40 * 1024 * 1024;
/** So many a copy may hold in any case, so that none ever waits for another. */
const leastBuffers = 4;

/** The memory that chunks pass through. It goes from one copy to the next: what a copy just drops is freed late. */
class ChunkBuffers {
  readonly #idle: Buffer[] = [];
  #copies = 0;

  /** Counts a copy among those that share, until it is disposed. */
  enter(): Disposable {
    this.#copies += 1;
    return {
      [Symbol.dispose]: () => {
        this.#copies -= 1;
        if (this.#copies === 0) this.#idle.length = 0;
      },
    };
  }

  /** How many buffers of so many bytes each copy may hold now. */
  share(bytes: number): number {
    return Math.max(leastBuffers, Math.floor(budgetBytes / bytes / Math.max(1, this.#copies)));
  }

  /** A buffer of so many bytes; what it holds is left from before. */
  take(bytes: number): Buffer {
    const found = this.#idle.findLastIndex(({ length }) => length === bytes);
    return this.#idle.splice(found, found < 0 ? 0 : 1)[0] ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** Gives back a buffer into which nothing is read or written any more. */
  give(buffer: Buffer): void {
    this.#idle.push(buffer);
  }
}

export const chunkBuffers = new ChunkBuffers();
