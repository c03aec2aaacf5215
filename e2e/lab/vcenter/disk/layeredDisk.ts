import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { grainBytes, Layer } from './layer.ts';

/** So much is merged before others have their turn. */
const mergeSliceBytes = 4 << 20;

/**
 * The files of one virtual disk as vSphere keeps them: a raw base (`name-flat.vmdk`) and a tree of deltas. A snapshot freezes
 * the current layer and a new delta takes the writes; removing it merges the delta down, so that the base under a single
 * snapshot holds exactly the snapshot's content.
 */
export class LayeredDisk {
  /** File name without extension, such as `web_1`. */
  readonly stem: string;
  readonly #directory: string;
  readonly #layers = new Set<Layer>();
  #current: Layer;

  constructor(directory: string, stem: string, capacityBytes: number) {
    this.#directory = directory;
    this.stem = stem;
    this.#current = new Layer(join(directory, `${stem}-flat.vmdk`), 0, capacityBytes);
    this.#layers.add(this.#current);
  }

  get current(): Layer {
    return this.#current;
  }

  /** All files of the disk. */
  get layers(): readonly Layer[] {
    return [...this.#layers];
  }

  get capacityBytes(): number {
    return this.#current.capacityBytes;
  }

  /** Name of a layer's descriptor, as a backing shows it: `web.vmdk`, `web-000001.vmdk`. */
  fileName(layer: Layer): string {
    return `${this.stem}${layer.number === 0 ? '' : `-${String(layer.number).padStart(6, '0')}`}.vmdk`;
  }

  /** From the given layer down to the base. */
  chain(layer: Layer): Layer[] {
    return layer.parent === undefined ? [layer] : [layer, ...this.chain(layer.parent)];
  }

  /** Freezes the current state for a snapshot; from now on writes go to a new delta. */
  freeze(owner: string): Layer {
    const frozen = this.#current;
    frozen.owner = owner;
    this.#current = this.#addDelta(frozen);
    return frozen;
  }

  /** Throws the current state away and goes on from a frozen one. */
  revert(frozen: Layer): void {
    const dropped = this.#current;
    this.#current = this.#addDelta(frozen);
    if (dropped.owner === undefined && this.#childrenOf(dropped).length === 0) {
      this.#layers.delete(dropped);
      dropped.remove();
    }
  }

  /** Nobody needs the state of this snapshot any more; the files stay until `consolidate`. */
  release(owner: string): void {
    for (const layer of this.#layers) if (layer.owner === owner) layer.owner = undefined;
  }

  /** Whether a layer is kept that no snapshot needs. */
  get needsConsolidation(): boolean {
    return this.#leftover() !== undefined;
  }

  /** Merges and removes the layers that no snapshot needs. Writes may go on meanwhile. */
  async consolidate(): Promise<void> {
    for (let leftover = this.#leftover(); leftover !== undefined; leftover = this.#leftover()) {
      const [child] = this.#childrenOf(leftover);
      if (child === undefined) {
        this.#layers.delete(leftover);
        leftover.remove();
        continue;
      }
      while (!child.mergeIntoParent(mergeSliceBytes)) await nextTurn();
      for (const grandchild of this.#childrenOf(child)) grandchild.parent = leftover;
      leftover.owner = child.owner;
      if (this.#current === child) this.#current = leftover;
      this.#layers.delete(child);
      child.remove();
    }
  }

  /** The frozen layer of a snapshot. */
  layerOf(owner: string): Layer | undefined {
    return [...this.#layers].find((layer) => layer.owner === owner);
  }

  /** @throws Error while there are deltas */
  grow(capacityBytes: number): void {
    if (this.#layers.size > 1) throw new Error(`${this.stem} has snapshots`);
    this.#current.grow(capacityBytes);
  }

  /** Bytes of allocated grains. */
  allocatedBytes(layer: Layer): number {
    return Math.min(layer.allocatedGrains().count() * grainBytes, layer.capacityBytes);
  }

  close(): void {
    for (const layer of this.#layers) layer.close();
    this.#layers.clear();
  }

  remove(): void {
    for (const layer of this.#layers) layer.remove();
    this.#layers.clear();
  }

  /** A layer without a snapshot that can go: a dead branch, or one with a single child to merge. */
  #leftover(): Layer | undefined {
    return [...this.#layers].find(
      (layer) => layer !== this.#current && layer.owner === undefined && this.#childrenOf(layer).length <= 1,
    );
  }

  #childrenOf(parent: Layer): Layer[] {
    return [...this.#layers].filter((layer) => layer.parent === parent);
  }

  #addDelta(parent: Layer): Layer {
    const taken = new Set([...this.#layers].map((layer) => layer.number));
    let number = 1;
    while (taken.has(number)) number += 1;
    const name = `${this.stem}-${String(number).padStart(6, '0')}-delta.vmdk`;
    const layer = new Layer(join(this.#directory, name), number, parent.capacityBytes, parent);
    this.#layers.add(layer);
    return layer;
  }
}
