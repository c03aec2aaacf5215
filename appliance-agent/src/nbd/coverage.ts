/** Which parts of `[0, length)` have come, so that a gap or a part that comes twice is noticed. */
export class Coverage {
  readonly #length: number;
  /** Ordered, neither touching nor overlapping. Almost always one. */
  readonly #ranges: { start: number; end: number }[] = [];

  constructor(length: number) {
    this.#length = length;
  }

  get isComplete(): boolean {
    const [first] = this.#ranges;
    return this.#length === 0 || (first !== undefined && first.end - first.start === this.#length);
  }

  /** False, and nothing is added, where the part lies outside or covers a byte again. */
  add(start: number, length: number): boolean {
    const end = start + length;
    if (start < 0 || end > this.#length) return false;
    const last = this.#ranges.at(-1);
    if (last && start === last.end) {
      last.end = end;
      return true;
    }
    const at = this.#ranges.findIndex((range) => range.end >= start);
    if (at < 0) {
      this.#ranges.push({ start, end });
      return true;
    }
    const after = this.#ranges[at]!;
    if (after.end === start) {
      const following = this.#ranges[at + 1];
      if (following && following.start < end) return false;
      after.end = end;
      if (following && following.start === end) {
        after.end = following.end;
        this.#ranges.splice(at + 1, 1);
      }
      return true;
    }
    if (after.start < end) return false;
    if (after.start === end) after.start = start;
    else this.#ranges.splice(at, 0, { start, end });
    return true;
  }
}
