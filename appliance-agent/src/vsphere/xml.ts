import { XMLBuilder } from 'fast-xml-parser';
import { SaxesParser } from 'saxes';

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

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressBooleanAttributes: false,
  suppressEmptyNode: true,
});

/** An element that is being read. */
interface Open {
  readonly name: string;
  text: string;
  /** Undefined for a text alone. */
  members: { [name: string]: XmlValue | XmlValue[] } | undefined;
  hasElements: boolean;
}

/** What guests and people put into names and notes, which servers pass on although XML 1.0 forbids it. */
const forbiddenCharacter = /(?:disallowed character|malformed character entity)\.$/;

/**
 * Reads elements without their prefixes. Attributes are `@name`, those of XMLSchema-instance's `type` `@xsiType`, as its prefix
 * differs from server to server and a plain `type` is a managed object's. Name spaces are left out.
 * @throws Error for what is not XML
 */
export function parseXml(source: string): XmlNode {
  const root: Open = { name: '', text: '', members: {}, hasElements: true };
  const path = [root];
  let current = root;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    if (!forbiddenCharacter.test(error.message)) throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    current.hasElements = true;
    current = { name: withoutPrefix(name), text: '', members: undefined, hasElements: false };
    path.push(current);
    for (const attribute in attributes) {
      if (attribute.startsWith('xmlns')) continue;
      current.members ??= {};
      current.members[attributeName(attribute)] = attributes[attribute] ?? '';
    }
  });
  const addText = (text: string) => {
    current.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const { name } = current;
    const value = finished(current);
    path.pop();
    current = path.at(-1) ?? root;
    add(current, name, value);
  });
  parser.write(source).close();
  return root.members ?? {};
}

function withoutPrefix(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function attributeName(name: string): string {
  if (name === 'type') return '@type';
  return name.endsWith(':type') ? '@xsiType' : `@${withoutPrefix(name)}`;
}

/** The blanks between elements are no text. */
function finished({ members, text, hasElements }: Open): XmlValue {
  if (members === undefined) return text;
  if (!hasElements) members['#text'] = text;
  return members;
}

function add(parent: Open, name: string, value: XmlValue): void {
  parent.members ??= {};
  const present = parent.members[name];
  if (present === undefined) parent.members[name] = value;
  else if (Array.isArray(present)) present.push(value);
  else parent.members[name] = [present, value];
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
  return isNode(value) ? withoutPrefix(text(value, '@xsiType') ?? '') : '';
}
