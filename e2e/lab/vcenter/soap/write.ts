import { DataObject, PropertyValue, Reference, TypedValue, type VimValue } from './value.ts';
import { fieldsOf, type VimType } from './vimSchema.ts';

const arrayItems: Record<string, string> = {
  ArrayOfString: 'string',
  ArrayOfInt: 'int',
  ArrayOfLong: 'long',
  ArrayOfManagedObjectReference: 'ManagedObjectReference',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that XML forbids
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const special = /[&<>"\u0000-\u001f\ufffe\uffff]/;

/** Escapes text for an element or an attribute; characters that XML 1.0 cannot hold become U+FFFD. */
export function escapeXml(text: string): string {
  if (!special.test(text)) return text;
  return text
    .replaceAll(forbidden, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/**
 * Writes a value as the element, or for a list as one element per item.
 * @throws Error when the value does not fit the schema: a mistake in the lab itself
 */
export function writeElement(name: string, value: VimValue, declared: VimType): string {
  if (Array.isArray(value)) {
    if (!declared.list) throw new Error(`${name} is no list in the schema`);
    const item = { ...declared, list: false };
    return value.map((each: VimValue) => writeElement(name, each, item)).join('');
  }
  if (declared.kind === 'any') return writeAny(name, value);
  if (value instanceof TypedValue) return writeElement(name, value.value, declared);
  if (value instanceof DataObject) {
    const type = value.type === declared.name ? '' : ` xsi:type="${value.type}"`;
    return `<${name}${type}>${writeFields(value)}</${name}>`;
  }
  if (value instanceof Reference) {
    return `<${name} type="${value.type}">${escapeXml(value.value)}</${name}>`;
  }
  return `<${name}>${writeScalar(value, declared.name)}</${name}>`;
}

/** Writes a property's value with the type that a list or scalar of the declared type has in an `anyType` place. */
export function writeTyped(name: string, value: VimValue, declared: VimType): string {
  if (Array.isArray(value)) {
    const item = declared.kind === 'reference' ? 'ManagedObjectReference' : declared.name;
    const array = `ArrayOf${item.slice(0, 1).toUpperCase()}${item.slice(1)}`;
    return writeAny(name, new TypedValue(array, value));
  }
  if (value instanceof DataObject || value instanceof Reference || value instanceof TypedValue)
    return writeAny(name, value);
  const type = declared.kind === 'primitive' ? `xsd:${declared.name}` : declared.name;
  return `<${name} xsi:type="${type}">${writeScalar(value, declared.name)}</${name}>`;
}

function writeAny(name: string, value: VimValue): string {
  if (value instanceof PropertyValue) return writeTyped(name, value.value, value.declared);
  if (value instanceof DataObject) return `<${name} xsi:type="${value.type}">${writeFields(value)}</${name}>`;
  if (value instanceof Reference) {
    return `<${name} type="${value.type}" xsi:type="ManagedObjectReference">${escapeXml(value.value)}</${name}>`;
  }
  if (value instanceof TypedValue) {
    const { type, value: inner } = value;
    if (Array.isArray(inner)) {
      const item = arrayItems[type] ?? type.replace('ArrayOf', '');
      const kind = item === 'ManagedObjectReference' ? 'reference' : 'data';
      const items = writeElement(item, inner, { kind, name: item, list: true });
      return `<${name} xsi:type="${type}">${items}</${name}>`;
    }
    const prefixed = /^(int|long|short|byte|float|double|string|boolean|dateTime|base64Binary)$/.test(type);
    return `<${name} xsi:type="${prefixed ? 'xsd:' : ''}${type}">${writeScalar(inner, type)}</${name}>`;
  }
  if (typeof value === 'string') return `<${name} xsi:type="xsd:string">${escapeXml(value)}</${name}>`;
  if (typeof value === 'boolean') return `<${name} xsi:type="xsd:boolean">${value}</${name}>`;
  if (value instanceof Date)
    return `<${name} xsi:type="xsd:dateTime">${writeScalar(value, 'dateTime')}</${name}>`;
  throw new Error(`the type of ${name} has to be told`);
}

/** The fields in the schema's order, as clients built from the WSDL expect them. */
function writeFields(value: DataObject): string {
  const fields = fieldsOf(value.type);
  if (fields === undefined) throw new Error(`the schema lacks ${value.type}: add it to write_vim_schema.py`);
  for (const name of Object.keys(value.fields)) {
    if (!fields.has(name)) throw new Error(`${value.type} has no field ${name}`);
  }
  let out = '';
  for (const field of fields.values()) {
    const given = value.fields[field.field];
    if (given !== undefined) out += writeElement(field.field, given, field);
    else if (!field.optional && !field.list) throw new Error(`${value.type}.${field.field} is not optional`);
  }
  return out;
}

function writeScalar(value: VimValue, type: string): string {
  if (value instanceof Date) return value.toISOString().replace('Z', '000Z');
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return escapeXml(value);
  throw new Error(`a value of ${type} is no scalar`);
}
