import { XMLBuilder, XMLParser } from 'fast-xml-parser';

/** An element: a text, or children and attributes (`@name`, its text `#text`). Elements of one name are a list when there are several. */
export type XmlValue = string | XmlNode | readonly XmlValue[];
export interface XmlNode {
  readonly [name: string]: XmlValue | undefined;
}

/** What an element is built from; members in the order that the schema demands. Undefined ones are left out. */
export type XmlInput =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlInput[]
  | { readonly [name: string]: XmlInput };

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  htmlEntities: true,
  transformTagName: (name) => name.replace(/^.*:/, ''),
  // The prefix of XMLSchema-instance differs from server to server, and a plain `type` is a managed object's.
  transformAttributeName: (name) => (/:type$/.test(name) ? '@xsiType' : name),
});

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressBooleanAttributes: false,
  suppressEmptyNode: true,
});

/** @throws Error for what is not XML */
export function parseXml(text: string): XmlNode {
  const parsed: unknown = parser.parse(text, true);
  if (isNode(parsed)) return parsed;
  throw new Error('The answer is not XML');
}

export function buildXml(input: { readonly [name: string]: XmlInput }): string {
  return builder.build(clean(input));
}

function clean(input: XmlInput): unknown {
  if (Array.isArray(input)) return input.map(clean);
  if (typeof input !== 'object') return input;
  return Object.fromEntries(
    Object.entries(input)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, clean(value)]),
  );
}

function isNode(value: unknown): value is XmlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The elements of a name below another: none, one or many. */
export function children(parent: XmlValue | undefined, name: string): readonly XmlValue[] {
  if (!isNode(parent)) return [];
  const found = parent[name];
  if (found === undefined) return [];
  return Array.isArray(found) ? found : [found];
}

/** The first element at a path. */
export function child(parent: XmlValue | undefined, ...path: string[]): XmlValue | undefined {
  let current = parent;
  for (const name of path) current = children(current, name)[0];
  return current;
}

/** The text of an element at a path; undefined where there is none. */
export function text(parent: XmlValue | undefined, ...path: string[]): string | undefined {
  const found = child(parent, ...path);
  if (typeof found === 'string') return found;
  if (!isNode(found)) return undefined;
  const inner = found['#text'];
  if (typeof inner === 'string') return inner;
  return Object.keys(found).every((name) => name.startsWith('@')) ? '' : undefined;
}

/** A number at a path. @throws Error for a text that is none */
export function number(parent: XmlValue | undefined, ...path: string[]): number | undefined {
  const found = text(parent, ...path);
  if (found === undefined || found === '') return undefined;
  const value = Number(found);
  if (!Number.isFinite(value)) throw new Error(`"${found}" at ${path.join('.')} is not a number`);
  return value;
}

/** A boolean at a path; undefined where there is none. */
export function boolean(parent: XmlValue | undefined, ...path: string[]): boolean | undefined {
  const found = text(parent, ...path);
  return found === undefined ? undefined : found === 'true' || found === '1';
}

/** The `xsi:type` of an element, without its prefix. */
export function typeOf(value: XmlValue | undefined): string {
  return isNode(value) ? (text(value, '@xsiType') ?? '').replace(/^.*:/, '') : '';
}
