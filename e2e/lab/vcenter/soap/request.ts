import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { DataObject, Reference, TypedValue, type VimValue } from './value.ts';
import { fieldsOf, isA, methodOf, type VimField, type VimMethod, type VimType } from './vimSchema.ts';

/** A call as the client sent it, decoded by the schema. */
export interface SoapRequest {
  method: VimMethod;
  target: Reference;
  args: Arguments;
}

/** Something that the client got wrong; `kind` is the name of the fault. */
export class RequestError extends Error {
  readonly kind: 'InvalidRequest' | 'MethodNotFound' | 'InvalidArgument';

  constructor(kind: RequestError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Arguments of a method, or fields of a data object, read by type. Missing ones are undefined. */
export class Arguments {
  readonly #values: Readonly<Record<string, VimValue | undefined>>;

  constructor(values: Readonly<Record<string, VimValue | undefined>>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  number(name: string): number | undefined {
    const value = this.#values[name];
    return typeof value === 'number' ? value : undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.#values[name];
    return typeof value === 'boolean' ? value : undefined;
  }

  reference(name: string): Reference | undefined {
    const value = this.#values[name];
    return value instanceof Reference ? value : undefined;
  }

  references(name: string): Reference[] {
    return this.#list(name).filter((each) => each instanceof Reference);
  }

  texts(name: string): string[] {
    return this.#list(name).filter((each) => typeof each === 'string');
  }

  /** Undefined where it is missing. */
  data(name: string): TypedArguments | undefined {
    const value = this.#values[name];
    return value instanceof DataObject ? new TypedArguments(value) : undefined;
  }

  dataList(name: string): TypedArguments[] {
    return this.#list(name)
      .filter((each) => each instanceof DataObject)
      .map((each) => new TypedArguments(each));
  }

  #list(name: string): readonly VimValue[] {
    const value = this.#values[name];
    if (value === undefined) return [];
    return Array.isArray(value) ? value : [value];
  }
}

/** Fields of a data object that a client sent. */
export class TypedArguments extends Arguments {
  readonly type: string;

  constructor(object: DataObject) {
    super(object.fields);
    this.type = object.type;
  }
}

type XmlNode = string | { readonly [name: string]: XmlNode | readonly XmlNode[] };

const parser = new XMLParser({
  ignoreAttributes: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
});

/**
 * Decodes a SOAP 1.1 envelope.
 * @throws RequestError
 */
export function decodeRequest(body: string): SoapRequest {
  if (XMLValidator.validate(body) !== true)
    throw new RequestError('InvalidRequest', 'The request is no well-formed XML.');
  const envelope = child(parser.parse(body), 'Envelope');
  const content = envelope === undefined ? undefined : child(envelope, 'Body');
  const [name, node] = Object.entries(typeof content === 'object' ? content : {}).find(
    ([key]) => !key.startsWith('@_') && key !== '#text',
  ) ?? ['', undefined];
  const call = first(node);
  if (call === undefined) throw new RequestError('InvalidRequest', 'The envelope has no call.');
  const self = child(call, '_this');
  const type = attribute(self, 'type');
  if (self === undefined || type === undefined)
    throw new RequestError('InvalidRequest', 'The call has no _this.');
  const target = new Reference(type, text(self));
  const method = methodOf(type, localName(name));
  if (method === undefined) {
    throw new RequestError('MethodNotFound', `${type} has no method ${localName(name)}.`);
  }
  return { method, target, args: new Arguments(decodeFields(call, method.parameters)) };
}

function decodeFields(node: XmlNode, fields: Iterable<VimField>): Record<string, VimValue | undefined> {
  const values: Record<string, VimValue | undefined> = {};
  for (const field of fields) {
    const nodes = children(node, field.field);
    if (nodes.length === 0) continue;
    const decoded = nodes.map((each) => decodeValue(each, field));
    values[field.field] = field.list ? decoded : decoded[0];
  }
  return values;
}

function decodeValue(node: XmlNode, declared: VimType): VimValue {
  const xsiType = localName(xsiTypeOf(node) ?? '');
  switch (declared.kind) {
    case 'reference':
      return new Reference(attribute(node, 'type') ?? declared.name, text(node));
    case 'data': {
      const type = xsiType !== '' && isA(xsiType, declared.name) ? xsiType : declared.name;
      return new DataObject(type, decodeFields(node, fieldsOf(type)?.values() ?? []));
    }
    case 'any':
      return decodeAny(node, xsiType);
    default:
      return decodeScalar(text(node), declared.name);
  }
}

function decodeAny(node: XmlNode, xsiType: string): VimValue {
  if (xsiType === 'ManagedObjectReference') return new Reference(attribute(node, 'type') ?? '', text(node));
  const fields = fieldsOf(xsiType);
  if (fields !== undefined) return new DataObject(xsiType, decodeFields(node, fields.values()));
  return xsiType === '' || xsiType === 'string'
    ? text(node)
    : new TypedValue(xsiType, decodeScalar(text(node), xsiType));
}

function decodeScalar(content: string, type: string): VimValue {
  if (/^(int|long|short|byte|float|double)$/.test(type)) {
    const number = Number(content);
    if (content.trim() === '' || !Number.isFinite(number)) {
      throw new RequestError('InvalidArgument', `“${content}” is no ${type}.`);
    }
    return number;
  }
  if (type === 'boolean') return content.trim() === 'true' || content.trim() === '1';
  if (type === 'dateTime') return new Date(content);
  return content;
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function children(node: XmlNode, name: string): readonly XmlNode[] {
  if (typeof node === 'string') return [];
  const found: XmlNode[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key.startsWith('@_') || localName(key) !== name) continue;
    if (isList(value)) found.push(...value);
    else found.push(value);
  }
  return found;
}

function isList(value: XmlNode | readonly XmlNode[]): value is readonly XmlNode[] {
  return Array.isArray(value);
}

function child(node: XmlNode, name: string): XmlNode | undefined {
  return children(node, name)[0];
}

function first(node: XmlNode | readonly XmlNode[] | undefined): XmlNode | undefined {
  return node !== undefined && isList(node) ? node[0] : node;
}

function text(node: XmlNode): string {
  if (typeof node === 'string') return node;
  const content = node['#text'];
  return typeof content === 'string' ? content : '';
}

function attribute(node: XmlNode | undefined, name: string): string | undefined {
  if (node === undefined || typeof node === 'string') return undefined;
  const value = node[`@_${name}`];
  return typeof value === 'string' ? value : undefined;
}

/** `xsi:type` under any prefix; a bare `type` is the kind of a managed object. */
function xsiTypeOf(node: XmlNode): string | undefined {
  if (typeof node === 'string') return undefined;
  for (const [key, value] of Object.entries(node)) {
    if (/^@_[^:]+:type$/.test(key) && typeof value === 'string') return value;
  }
  return undefined;
}
