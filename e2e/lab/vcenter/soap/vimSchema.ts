import { vimSchemaText } from './vimSchema.generated.ts';

export interface VimType {
  kind: 'primitive' | 'any' | 'enumeration' | 'reference' | 'data' | 'void';
  /** Without marks, such as `VirtualDisk` or `long`. */
  name: string;
  list: boolean;
}

export interface VimField extends VimType {
  field: string;
  optional: boolean;
}

export interface VimMethod {
  name: string;
  result: VimType;
  parameters: readonly VimField[];
  /** Such as `VirtualMachine.State.CreateSnapshot`; empty where any session may call. */
  privilege: string;
}

const primitives = new Set(
  'string int long boolean short byte float double dateTime base64Binary anyURI'.split(' '),
);

const dataFields = new Map<string, ReadonlyMap<string, VimField>>();
const managedFields = new Map<string, ReadonlyMap<string, VimField>>();

/** Fields of a data type, the base's first; undefined where the schema lacks the type. */
export function fieldsOf(dataType: string): ReadonlyMap<string, VimField> | undefined {
  return inherited(dataType, dataFields, (name) => vimSchemaText.data[name]);
}

/** Properties of a managed object type, inherited ones included. */
export function propertiesOf(managedType: string): ReadonlyMap<string, VimField> | undefined {
  return inherited(managedType, managedFields, (name) => vimSchemaText.managed[name]);
}

/** A method of a managed object type, own or inherited. */
export function methodOf(managedType: string, method: string): VimMethod | undefined {
  const found = vimSchemaText.managed[managedType];
  if (found === undefined) return undefined;
  const [base, , methods] = found;
  const text = methods[method];
  if (text === undefined) return base === '' ? undefined : methodOf(base, method);
  const [result, parameters, privilege] = text;
  return { name: method, result: parseType(result), parameters: parseFields(parameters), privilege };
}

/** Whether `type` is `base` or derived from it. */
export function isA(type: string, base: string): boolean {
  if (type === base) return true;
  const parent = (vimSchemaText.managed[type] ?? vimSchemaText.data[type])?.[0];
  return parent !== undefined && parent !== '' ? isA(parent, base) : base === 'ManagedObject';
}

function inherited(
  name: string,
  known: Map<string, ReadonlyMap<string, VimField>>,
  find: (name: string) => readonly [string, string, ...unknown[]] | undefined,
): ReadonlyMap<string, VimField> | undefined {
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  const found = find(name);
  if (found === undefined) return undefined;
  const fields = new Map(found[0] === '' ? [] : inherited(found[0], known, find));
  for (const field of parseFields(found[1])) fields.set(field.field, field);
  known.set(name, fields);
  return fields;
}

function parseFields(text: string): VimField[] {
  if (text === '') return [];
  return text.split('|').map((entry) => {
    const [name = '', type = ''] = entry.split(' ');
    return { ...parseType(type), field: name.replace('?', ''), optional: name.endsWith('?') };
  });
}

function parseType(text: string): VimType {
  const list = text.endsWith('[]');
  const marked = list ? text.slice(0, -2) : text;
  const name = marked.replace(/^[#&]/, '');
  if (marked.startsWith('#')) return { kind: 'enumeration', name, list };
  if (marked.startsWith('&')) return { kind: 'reference', name, list };
  if (name === 'anyType') return { kind: 'any', name, list };
  if (name === 'void') return { kind: 'void', name, list };
  return { kind: primitives.has(name) ? 'primitive' : 'data', name, list };
}
