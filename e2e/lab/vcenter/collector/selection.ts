import type { ManagedObject } from '../inventory/site.ts';
import { invalidProperty, notFound } from '../soap/fault.ts';
import type { TypedArguments } from '../soap/request.ts';
import { Reference } from '../soap/value.ts';
import { isA } from '../soap/vimSchema.ts';
import { propertyAt } from './property.ts';

export type FindObject = (value: string) => ManagedObject | undefined;

/** An object that a filter selects, with the paths wanted of it. */
export interface Selected {
  object: ManagedObject;
  paths: readonly string[] | 'all';
}

/**
 * Follows a PropertyFilterSpec: the objects that it names, and those that its traversals reach.
 * @throws VimFault ManagedObjectNotFound, InvalidProperty
 */
export function select(spec: TypedArguments, find: FindObject): Selected[] {
  const reached = new Map<string, ManagedObject>();
  for (const objectSpec of spec.dataList('objectSet')) {
    const ref = objectSpec.reference('obj');
    const start = ref === undefined ? undefined : find(ref.value);
    if (ref === undefined || start === undefined) throw notFound(ref ?? new Reference('ManagedObject', ''));
    if (objectSpec.flag('skip') !== true) reached.set(start.ref.value, start);
    const selectSet = objectSpec.dataList('selectSet');
    const named = new Map<string, TypedArguments>();
    nameTraversals(selectSet, named);
    traverse(start, selectSet, { named, find, reached, seen: new Set() });
  }
  const propSets = spec.dataList('propSet');
  const selected: Selected[] = [];
  for (const object of reached.values()) {
    const fitting = propSets.filter((propSet) => isA(object.ref.type, propSet.text('type') ?? ''));
    if (fitting.length === 0) continue;
    const all = fitting.some((propSet) => propSet.flag('all') === true);
    selected.push({
      object,
      paths: all ? 'all' : [...new Set(fitting.flatMap((each) => each.texts('pathSet')))],
    });
  }
  return selected;
}

interface Walk {
  named: ReadonlyMap<string, TypedArguments>;
  find: FindObject;
  reached: Map<string, ManagedObject>;
  seen: Set<string>;
}

function nameTraversals(selectSet: readonly TypedArguments[], named: Map<string, TypedArguments>): void {
  for (const selection of selectSet) {
    const name = selection.text('name');
    if (selection.type !== 'TraversalSpec') continue;
    if (name !== undefined) named.set(name, selection);
    nameTraversals(selection.dataList('selectSet'), named);
  }
}

function traverse(from: ManagedObject, selectSet: readonly TypedArguments[], walk: Walk): void {
  for (const selection of selectSet) {
    const name = selection.text('name');
    const traversal = selection.type === 'TraversalSpec' ? selection : walk.named.get(name ?? '');
    if (traversal === undefined) throw invalidProperty(name ?? 'selectSet');
    if (!isA(from.ref.type, traversal.text('type') ?? '')) continue;
    const path = traversal.text('path') ?? '';
    const key = `${from.ref.value} ${name ?? ''} ${path}`;
    if (name !== undefined && walk.seen.has(key)) continue;
    walk.seen.add(key);
    for (const ref of referencesIn(propertyAt(from, path)?.value)) {
      const target = walk.find(ref.value);
      if (target === undefined) continue;
      if (traversal.flag('skip') !== true) walk.reached.set(target.ref.value, target);
      traverse(target, traversal.dataList('selectSet'), walk);
    }
  }
}

function referencesIn(value: unknown): readonly Reference[] {
  if (value instanceof Reference) return [value];
  return Array.isArray(value) ? value.filter((each) => each instanceof Reference) : [];
}
