import { uuidOf } from '../../chaos/random.ts';
import type { VcenterFaults } from '../faults.ts';
import { Reference, type VimValue } from '../soap/value.ts';

/** Anything with a MoRef. */
export interface ManagedObject {
  readonly ref: Reference;
  /** Value of a property of the first level; undefined where it is unset. Lists are never unset. */
  property(name: string): VimValue | undefined;
}

/** An object whose properties are given, some of them computed when they are asked for. */
export class PlainObject implements ManagedObject {
  readonly ref: Reference;
  readonly #properties: Readonly<Record<string, VimValue | (() => VimValue | undefined)>>;

  constructor(ref: Reference, properties: Readonly<Record<string, VimValue | (() => VimValue | undefined)>>) {
    this.ref = ref;
    this.#properties = properties;
  }

  property(name: string): VimValue | undefined {
    const value = this.#properties[name];
    return typeof value === 'function' ? value() : value;
  }
}

/** All managed objects of the vCenter, with who wants to know of their changes. */
export class Site {
  readonly seed: number;
  readonly faults: VcenterFaults;
  /** Rises whenever an object comes, goes or moves, so that selections have to be made anew. */
  structure = 0;
  /** An entity's tasks, for its `recentTask`; of all entities without one. */
  recentTasks: (entity?: Reference) => readonly Reference[] = () => [];
  readonly #objects = new Map<string, ManagedObject>();
  readonly #listeners = new Set<(ref: Reference) => void>();
  #nextId = 1;

  constructor(seed: number, faults: VcenterFaults) {
    this.seed = seed;
    this.faults = faults;
  }

  /** The next reference of a type: `vm-17`. Numbers never come again. */
  newReference(type: string, prefix: string): Reference {
    const ref = new Reference(type, `${prefix}-${this.#nextId}`);
    this.#nextId += 1;
    return ref;
  }

  uuid(...labels: (string | number)[]): string {
    return uuidOf(this.seed, ...labels);
  }

  add(object: ManagedObject): void {
    this.#objects.set(object.ref.value, object);
    this.structure += 1;
    this.changed(object.ref);
  }

  remove(ref: Reference): void {
    if (this.#objects.delete(ref.value)) {
      this.structure += 1;
      this.changed(ref);
    }
  }

  find(value: string): ManagedObject | undefined {
    return this.#objects.get(value);
  }

  all(): Iterable<ManagedObject> {
    return this.#objects.values();
  }

  /** To be called after each change of a property. */
  changed(ref: Reference): void {
    for (const listener of this.#listeners) listener(ref);
  }

  /** Answers what ends the subscription. */
  onChange(listener: (ref: Reference) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
