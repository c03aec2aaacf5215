import type { ManagedObject, Site } from '../inventory/site.ts';
import type { Session, SessionObject } from '../service/sessions.ts';
import { VimFault } from '../soap/fault.ts';
import type { TypedArguments } from '../soap/request.ts';
import { type DataObject, Reference, type VimValue, vim } from '../soap/value.ts';
import { writeTyped } from '../soap/write.ts';
import { propertiesAt } from './property.ts';
import { select } from './selection.ts';

/** One filter of a collector, with what it has told so far. */
class Filter implements SessionObject {
  readonly ref: Reference;
  readonly #spec: TypedArguments;
  readonly #find: (value: string) => ManagedObject | undefined;
  /** Values as they were written, by object and path. */
  readonly #told = new Map<string, { ref: Reference; values: Map<string, string> }>();

  constructor(ref: Reference, spec: TypedArguments, find: (value: string) => ManagedObject | undefined) {
    this.ref = ref;
    this.#spec = spec;
    this.#find = find;
    select(spec, find);
  }

  property(): VimValue | undefined {
    return undefined;
  }

  close(): void {
    this.#told.clear();
  }

  /**
   * What has changed since it was asked last.
   * @param dirty objects that may have changed; undefined: look at all
   */
  updates(dirty: ReadonlySet<string> | undefined): DataObject[] {
    const updates: DataObject[] = [];
    const seen = new Set<string>();
    for (const { object, paths } of this.#selectAgain()) {
      const key = object.ref.value;
      seen.add(key);
      const known = this.#told.get(key);
      if (known !== undefined && dirty !== undefined && !dirty.has(key)) continue;
      const values = new Map<string, string>();
      const changeSet: DataObject[] = [];
      for (const [name, val] of propertiesAt(object, paths)) {
        const written = writeTyped('val', val.value, val.declared);
        values.set(name, written);
        if (known?.values.get(name) !== written)
          changeSet.push(vim('PropertyChange', { name, op: 'assign', val }));
      }
      for (const name of known?.values.keys() ?? []) {
        // A property that became unset is assigned nothing.
        if (!values.has(name)) changeSet.push(vim('PropertyChange', { name, op: 'assign' }));
      }
      this.#told.set(key, { ref: object.ref, values });
      const kind = known === undefined ? 'enter' : 'modify';
      if (known === undefined || changeSet.length > 0) {
        updates.push(vim('ObjectUpdate', { kind, obj: object.ref, changeSet }));
      }
    }
    for (const [key, { ref }] of this.#told) {
      if (seen.has(key)) continue;
      this.#told.delete(key);
      updates.push(vim('ObjectUpdate', { kind: 'leave', obj: ref }));
    }
    return updates;
  }

  forget(): void {
    this.#told.clear();
  }

  #selectAgain(): ReturnType<typeof select> {
    try {
      return select(this.#spec, this.#find);
    } catch (error) {
      // The object that the filter began with is gone.
      if (error instanceof VimFault && error.name === 'ManagedObjectNotFound') return [];
      throw error;
    }
  }
}

export interface WaitLimits {
  maxWaitSeconds: number | undefined;
  maxObjects: number | undefined;
}

/** A property collector: filters, and a client that waits for what changes. */
export class Collector implements SessionObject {
  readonly ref: Reference;
  readonly #site: Site;
  readonly #session: Session;
  readonly #filters = new Map<string, Filter>();
  readonly #stopListening: () => void;
  #dirty = new Set<string>();
  #version = 0;
  #last: DataObject | undefined;
  #queue: { filter: Reference; update: DataObject }[] = [];
  #wake: ((reason: 'change' | 'cancel') => void) | undefined;

  constructor(ref: Reference, site: Site, session: Session) {
    this.ref = ref;
    this.#site = site;
    this.#session = session;
    this.#stopListening = site.onChange((changed) => {
      this.#dirty.add(changed.value);
      this.#wake?.('change');
    });
  }

  property(name: string): VimValue | undefined {
    return name === 'filter' ? [...this.#filters.values()].map(({ ref }) => ref) : undefined;
  }

  close(): void {
    this.#stopListening();
    this.cancel();
    for (const value of [...this.#filters.keys()]) this.removeFilter(value);
  }

  /** Throws ManagedObjectNotFound, InvalidProperty. */
  addFilter(spec: TypedArguments): Reference {
    const find = (value: string) => this.#session.find(value) ?? this.#site.find(value);
    const filter = new Filter(new Reference('PropertyFilter', this.#session.newName()), spec, find);
    this.#filters.set(filter.ref.value, filter);
    this.#session.add(filter);
    return filter.ref;
  }

  /** Answers whether it was one of this collector's. */
  removeFilter(value: string): boolean {
    if (!this.#filters.delete(value)) return false;
    this.#session.remove(value);
    return true;
  }

  /** A waiting client gets RequestCanceled. */
  cancel(): void {
    this.#wake?.('cancel');
  }

  /**
   * Answers an UpdateSet, or undefined when nothing changed in time. Asking again with the version before repeats the last
   * answer, since it may have been lost. Throws InvalidCollectorVersion, RequestCanceled.
   */
  async wait(version: string, limits: WaitLimits, signal: AbortSignal): Promise<DataObject | undefined> {
    this.cancel();
    if (version === '') this.#restart();
    else if (version === String(this.#version - 1) && this.#last !== undefined) return this.#last;
    else if (version !== String(this.#version)) {
      throw new VimFault('InvalidCollectorVersion', 'The version is not one of this collector.');
    }
    const deadline =
      limits.maxWaitSeconds === undefined ? undefined : performance.now() + limits.maxWaitSeconds * 1000;
    for (;;) {
      const update = this.#next(limits.maxObjects ?? Number.POSITIVE_INFINITY);
      if (update !== undefined) return update;
      const left = deadline === undefined ? undefined : deadline - performance.now();
      if ((left !== undefined && left <= 0) || signal.aborted) return undefined;
      if ((await this.#changed(left, signal)) === 'cancel') {
        throw new VimFault('RequestCanceled', 'The request was canceled by a user.');
      }
    }
  }

  #restart(): void {
    for (const filter of this.#filters.values()) filter.forget();
    this.#queue = [];
  }

  #next(maxObjects: number): DataObject | undefined {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    for (const filter of this.#filters.values()) {
      for (const update of filter.updates(dirty)) this.#queue.push({ filter: filter.ref, update });
    }
    if (this.#queue.length === 0) return undefined;
    const page = this.#queue.splice(0, maxObjects);
    const byFilter = Map.groupBy(page, ({ filter }) => filter);
    this.#version += 1;
    this.#last = vim('UpdateSet', {
      version: String(this.#version),
      filterSet: [...byFilter].map(([filter, entries]) =>
        vim('PropertyFilterUpdate', { filter, objectSet: entries.map(({ update }) => update) }),
      ),
      ...(this.#queue.length > 0 && { truncated: true }),
    });
    return this.#last;
  }

  #changed(waitMs: number | undefined, signal: AbortSignal): Promise<'change' | 'cancel' | 'timeout'> {
    if (this.#dirty.size > 0) return Promise.resolve('change');
    const { promise, resolve } = Promise.withResolvers<'change' | 'cancel' | 'timeout'>();
    const timer = waitMs === undefined ? undefined : setTimeout(() => resolve('timeout'), waitMs);
    const onAbort = () => resolve('timeout');
    signal.addEventListener('abort', onAbort, { once: true });
    this.#wake = resolve;
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#wake = undefined;
    });
  }
}
