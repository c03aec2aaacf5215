import type { Site } from '../inventory/site.ts';
import type { SessionObject } from '../service/sessions.ts';
import { Reference, type VimValue } from '../soap/value.ts';
import { isA } from '../soap/vimSchema.ts';

/** A container view: what lies below a place, kept up to date by being looked up each time. */
export class ContainerView implements SessionObject {
  readonly ref: Reference;
  readonly #site: Site;
  readonly #container: Reference;
  readonly #types: readonly string[];
  readonly #recursive: boolean;
  #known: { structure: number; list: readonly Reference[] } | undefined;

  constructor(
    ref: Reference,
    site: Site,
    container: Reference,
    types: readonly string[],
    recursive: boolean,
  ) {
    this.ref = ref;
    this.#site = site;
    this.#container = container;
    this.#types = types;
    this.#recursive = recursive;
  }

  property(name: string): VimValue | undefined {
    switch (name) {
      case 'view':
        return this.#list();
      case 'container':
        return this.#container;
      case 'type':
        return this.#types;
      case 'recursive':
        return this.#recursive;
      default:
        return undefined;
    }
  }

  close(): void {
    this.#known = undefined;
  }

  #list(): readonly Reference[] {
    if (this.#known?.structure === this.#site.structure) return this.#known.list;
    const found = new Map<string, Reference>();
    this.#collect(this.#container, found);
    const wanted = (ref: Reference) =>
      this.#types.length === 0 || this.#types.some((type) => isA(ref.type, type));
    const list = [...found.values()].filter(wanted);
    this.#known = { structure: this.#site.structure, list };
    return list;
  }

  #collect(container: Reference, found: Map<string, Reference>): void {
    const object = this.#site.find(container.value);
    if (object === undefined) return;
    const paths = childPaths.find(([type]) => isA(container.type, type))?.[1] ?? [];
    for (const path of paths) {
      const value = object.property(path);
      const children = value instanceof Reference ? [value] : Array.isArray(value) ? value : [];
      for (const child of children) {
        if (!(child instanceof Reference) || found.has(child.value)) continue;
        found.set(child.value, child);
        if (this.#recursive) this.#collect(child, found);
      }
    }
  }
}

const childPaths: readonly (readonly [type: string, paths: readonly string[]])[] = [
  ['Folder', ['childEntity']],
  ['Datacenter', ['vmFolder', 'hostFolder', 'datastoreFolder', 'networkFolder']],
  ['ComputeResource', ['host', 'resourcePool']],
  ['ResourcePool', ['resourcePool', 'vm']],
  ['HostSystem', ['vm']],
  ['DistributedVirtualSwitch', ['portgroup']],
];

/** A view of objects that the client names. */
export class ListView implements SessionObject {
  readonly ref: Reference;
  #list: readonly Reference[];

  constructor(ref: Reference, list: readonly Reference[]) {
    this.ref = ref;
    this.#list = list;
  }

  property(name: string): VimValue | undefined {
    return name === 'view' ? this.#list : undefined;
  }

  close(): void {
    this.#list = [];
  }
}
