/** A set of small whole numbers below a fixed size. */
export class Bitmap {
  readonly size: number;
  readonly #words: Uint32Array;

  constructor(size: number, words?: Uint32Array) {
    this.size = size;
    this.#words = words ?? new Uint32Array(Math.ceil(size / 32));
  }

  has(index: number): boolean {
    return ((this.#words[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
  }

  add(index: number): void {
    const word = index >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (index & 31));
  }

  delete(index: number): void {
    const word = index >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) & ~(1 << (index & 31));
  }

  /** Adds `from` … `end − 1`. */
  addRange(from: number, end: number): void {
    for (let index = from; index < end; index += 1) {
      if ((index & 31) === 0 && index + 32 <= end) {
        this.#words[index >>> 5] = 0xffffffff;
        index += 31;
      } else {
        this.add(index);
      }
    }
  }

  addAll(other: Bitmap): void {
    for (let word = 0; word < this.#words.length; word += 1) {
      this.#words[word] = (this.#words[word] ?? 0) | (other.#words[word] ?? 0);
    }
  }

  /** What the set looks like through a layer above, which decides on `mask` and says `values` there. */
  overlaid(mask: Bitmap, values: Bitmap): Bitmap {
    const words = this.#words.map((word, index) => {
      const decided = mask.#words[index] ?? 0;
      return (word & ~decided) | ((values.#words[index] ?? 0) & decided);
    });
    return new Bitmap(this.size, words);
  }

  /** A copy for another size; members past it are lost. */
  resized(size: number): Bitmap {
    const copy = new Bitmap(size);
    for (const [from, end] of this.runs()) copy.addRange(from, Math.min(end, size));
    return copy;
  }

  /** The least member from `from` on, or undefined. */
  next(from: number): number | undefined {
    let index = from;
    while (index < this.size) {
      const word = (this.#words[index >>> 5] ?? 0) >>> (index & 31);
      if (word !== 0) {
        const found = index + 31 - Math.clz32(word & -word);
        return found < this.size ? found : undefined;
      }
      index = (index | 31) + 1;
    }
    return undefined;
  }

  /** Where the members that begin at `from` end. */
  endOfRun(from: number): number {
    let index = from;
    while (index < this.size && this.has(index)) {
      index += (index & 31) === 0 && this.#words[index >>> 5] === 0xffffffff ? 32 : 1;
    }
    return Math.min(index, this.size);
  }

  /** Maximal ranges [from, end) of members, ascending. */
  *runs(): Generator<readonly [from: number, end: number]> {
    for (let from = this.next(0); from !== undefined; ) {
      const end = this.endOfRun(from);
      yield [from, end];
      from = this.next(end);
    }
  }

  count(): number {
    let count = 0;
    for (const [from, end] of this.runs()) count += end - from;
    return count;
  }
}
