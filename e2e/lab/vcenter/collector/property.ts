import type { ManagedObject } from '../inventory/site.ts';
import { invalidProperty } from '../soap/fault.ts';
import { DataObject, PropertyValue, type VimValue, vim } from '../soap/value.ts';
import { fieldsOf, propertiesOf, type VimType } from '../soap/vimSchema.ts';

/** Values of the first level, so that an object builds each of them once per retrieval. */
export type PropertyCache = Map<string, VimValue | undefined>;

/**
 * A property by its path, such as `config.hardware.device` or `config.hardware.device[2000].backing`; undefined where it is
 * unset. Throws InvalidProperty for a path that the type does not have.
 */
export function propertyAt(
  object: ManagedObject,
  path: string,
  cache: PropertyCache = new Map(),
): PropertyValue | undefined {
  const [first = '', ...rest] = path.split('.');
  const declared = propertiesOf(object.ref.type)?.get(bare(first));
  if (declared === undefined) throw invalidProperty(path);
  const name = bare(first);
  if (!cache.has(name)) cache.set(name, object.property(name));
  let type: VimType = declared;
  let value = cache.get(name);
  [value, type] = element(value, type, first);
  for (const segment of rest) {
    if (value === undefined) return undefined;
    if (!(value instanceof DataObject)) throw invalidProperty(path);
    const field = fieldsOf(value.type)?.get(bare(segment));
    if (field === undefined) throw invalidProperty(path);
    [value, type] = element(value.fields[bare(segment)], field, segment);
  }
  return value === undefined ? undefined : new PropertyValue(value, type);
}

/** The element of a list of keyed objects that `name[key]` asks for. */
function element(
  value: VimValue | undefined,
  type: VimType,
  segment: string,
): [VimValue | undefined, VimType] {
  const key = /\[(.+)\]$/.exec(segment)?.[1]?.replaceAll('"', '');
  if (key === undefined || !Array.isArray(value)) return [value, type];
  const found = value.find((each) => each instanceof DataObject && String(each.fields.key) === key);
  return [found, { ...type, list: false }];
}

function bare(segment: string): string {
  return segment.replace(/\[.*$/, '');
}

/** Values by path, of all paths or the given ones; unset properties are left out. */
export function propertiesAt(
  object: ManagedObject,
  paths: readonly string[] | 'all',
): Map<string, PropertyValue> {
  const names = paths === 'all' ? [...(propertiesOf(object.ref.type)?.keys() ?? [])] : paths;
  const cache: PropertyCache = new Map();
  const values = new Map<string, PropertyValue>();
  for (const path of names) {
    const value = propertyAt(object, path, cache);
    if (value !== undefined) values.set(path, value);
  }
  return values;
}

/** As RetrievePropertiesEx answers it. */
export function objectContent(object: ManagedObject, paths: readonly string[] | 'all'): DataObject {
  return vim('ObjectContent', {
    obj: object.ref,
    propSet: [...propertiesAt(object, paths)].map(([name, val]) => vim('DynamicProperty', { name, val })),
  });
}
