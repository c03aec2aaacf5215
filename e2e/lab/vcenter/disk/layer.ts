import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { Bitmap } from './bitmap.ts';

/** What a delta decides on as a whole. */
export const grainBytes = 4096;

const zeros = Buffer.alloc(1 << 20);

/**
 * One file of a disk's chain: the base, which decides on every grain, or a delta over a parent. All offsets are those of the
 * disk. Grains that are not allocated read as zeros, and the file holds zeros there too.
 */
export class Layer {
  readonly path: string;
  readonly number: number;
  capacityBytes: number;
  parent: Layer | undefined;
  /** Snapshot that froze it; undefined for the running state and for leftovers. */
  owner: string | undefined;
  /** Grains that this layer decides on; undefined: all. */
  readonly #decided: Bitmap | undefined;
  #allocated: Bitmap;
  readonly #file: number;

  constructor(path: string, number: number, capacityBytes: number, parent?: Layer) {
    this.path = path;
    this.number = number;
    this.capacityBytes = capacityBytes;
    this.parent = parent;
    this.#file = openSync(path, 'wx+');
    ftruncateSync(this.#file, capacityBytes);
    const grains = Math.ceil(capacityBytes / grainBytes);
    this.#allocated = new Bitmap(grains);
    if (parent !== undefined) this.#decided = new Bitmap(grains);
  }

  close(): void {
    closeSync(this.#file);
  }

  remove(): void {
    this.close();
    rmSync(this.path);
  }

  /** The base only, and only without layers above. */
  grow(capacityBytes: number): void {
    ftruncateSync(this.#file, capacityBytes);
    this.capacityBytes = capacityBytes;
    this.#allocated = this.#allocated.resized(Math.ceil(capacityBytes / grainBytes));
  }

  /** Content as this layer's chain says it. */
  read(offset: number, into: Uint8Array): void {
    let position = offset;
    const end = offset + into.length;
    while (position < end) {
      const owner = this.#decider(Math.floor(position / grainBytes));
      let until = (Math.floor(position / grainBytes) + 1) * grainBytes;
      if (owner.parent === undefined && owner === this) until = end;
      while (until < end && this.#decider(until / grainBytes) === owner) until += grainBytes;
      const piece = into.subarray(position - offset, Math.min(until, end) - offset);
      owner.#readFile(position, piece);
      position += piece.length;
    }
  }

  write(offset: number, data: Uint8Array): void {
    const end = offset + data.length;
    const first = Math.floor(offset / grainBytes);
    const last = Math.ceil(end / grainBytes);
    if (this.#decided !== undefined) {
      if (offset % grainBytes !== 0) this.#copyUp(first);
      if (end % grainBytes !== 0 && end < this.capacityBytes) this.#copyUp(last - 1);
    }
    this.#writeFile(offset, data);
    this.#decided?.addRange(first, last);
    this.#allocated.addRange(first, last);
  }

  /** Zeros; the grains that lie wholly within are not allocated any more. */
  discard(offset: number, length: number): void {
    const end = offset + length;
    const first = Math.ceil(offset / grainBytes);
    const last = end === this.capacityBytes ? Math.ceil(end / grainBytes) : Math.floor(end / grainBytes);
    if (first >= last) {
      this.#writeZeros(offset, length);
      return;
    }
    if (offset < first * grainBytes) this.#writeZeros(offset, first * grainBytes - offset);
    if (last * grainBytes < end) this.#writeZeros(last * grainBytes, end - last * grainBytes);
    for (let grain = first; grain < last; grain += 1) this.#free(grain);
  }

  /** Blocks of the given size with an allocated grain in them, as the chain says it. */
  allocatedGrains(): Bitmap {
    if (this.parent === undefined || this.#decided === undefined) return this.#allocated;
    return this.parent.allocatedGrains().overlaid(this.#decided, this.#allocated);
  }

  /**
   * Moves grains into the parent, at most so many bytes. What is read through this layer stays as it is all the while.
   * @returns whether all have moved
   */
  mergeIntoParent(maxBytes: number): boolean {
    const { parent } = this;
    if (parent === undefined || this.#decided === undefined) throw new Error(`${this.path} has no parent`);
    const buffer = Buffer.allocUnsafe(1 << 20);
    let left = maxBytes;
    for (let grain = this.#decided.next(0); grain !== undefined; grain = this.#decided.next(grain)) {
      if (left <= 0) return false;
      const allocated = this.#allocated.has(grain);
      let end = grain;
      while (
        end < this.#decided.size &&
        (end - grain) * grainBytes < buffer.length &&
        this.#decided.has(end) &&
        this.#allocated.has(end) === allocated
      ) {
        end += 1;
      }
      const offset = grain * grainBytes;
      const piece = buffer.subarray(0, Math.min(end * grainBytes, this.capacityBytes) - offset);
      if (allocated) {
        this.#readFile(offset, piece);
        parent.write(offset, piece);
      } else {
        parent.discard(offset, piece.length);
      }
      for (let moved = grain; moved < end; moved += 1) this.#decided.delete(moved);
      left -= piece.length;
    }
    return true;
  }

  #decider(grain: number): Layer {
    let layer: Layer = this;
    while (layer.parent !== undefined && layer.#decided?.has(grain) === false) layer = layer.parent;
    return layer;
  }

  #copyUp(grain: number): void {
    if (this.#decided?.has(grain) !== false || this.parent === undefined) return;
    const offset = grain * grainBytes;
    const content = Buffer.alloc(Math.min(grainBytes, this.capacityBytes - offset));
    this.parent.read(offset, content);
    this.#writeFile(offset, content);
    this.#decided.add(grain);
    this.#allocated.add(grain);
  }

  #free(grain: number): void {
    if (this.#allocated.has(grain)) {
      const offset = grain * grainBytes;
      this.#writeFile(offset, zeros.subarray(0, Math.min(grainBytes, this.capacityBytes - offset)));
      this.#allocated.delete(grain);
    }
    this.#decided?.add(grain);
  }

  #writeZeros(offset: number, length: number): void {
    for (let done = 0; done < length; done += zeros.length) {
      this.write(offset + done, zeros.subarray(0, Math.min(zeros.length, length - done)));
    }
  }

  #readFile(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const count = readSync(this.#file, into, done, into.length - done, offset + done);
      if (count === 0) throw new Error(`${this.path} ends at ${offset + done}`);
      done += count;
    }
  }

  #writeFile(offset: number, data: Uint8Array): void {
    for (let done = 0; done < data.length; ) {
      done += writeSync(this.#file, data, done, data.length - done, offset + done);
    }
  }
}
