import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../../../../shared/contract');

type FieldType = string | { list: Fields } | { object: Fields };
type Fields = Record<string, FieldType>;

interface DeclaredCommand {
  async: boolean;
  params: Record<string, { type: string; required?: boolean }>;
  response: { envelope?: string; list?: string; fields?: Fields; capability?: { object: Fields } };
}

/** What CloudStack's public client declares of the API; undefined where the fact sheet is not at hand. */
export function loadDeclaredApi(): Record<string, DeclaredCommand> | undefined {
  const file = path.join(folder, 'cloudstack-api.json');
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')).commands;
}

/** Example answers by command, as that client's own tests recorded them. */
export function loadRecordedAnswers(): Record<string, Record<string, unknown>> {
  const answers = path.join(folder, 'cloudstack-answers');
  if (!existsSync(answers)) return {};
  return Object.assign(
    {},
    ...readdirSync(answers).map((file) => JSON.parse(readFileSync(path.join(answers, file), 'utf8'))),
  );
}

/** What of an answer is not as declared: envelopes, fields that nobody knows, and values of another type. */
export function strayParts(name: string, command: DeclaredCommand, answer: object): string[] {
  const { response } = command;
  const envelope = response.envelope ?? `${name.toLowerCase()}response`;
  const [key, inner] = Object.entries(answer)[0] ?? ['', {}];
  if (key !== envelope) return [`${name}: envelope ${key} instead of ${envelope}`];
  if (response.capability !== undefined) {
    return stray(`${name}.capability`, response.capability.object, inner.capability);
  }
  const fields = response.fields ?? {};
  if (response.list !== undefined) {
    const { count, [response.list]: items = [], ...rest } = inner;
    const extra = Object.keys(rest).map((field) => `${name}: ${field} beside the list`);
    if (count !== undefined && typeof count !== 'number') extra.push(`${name}: count is no number`);
    return [
      ...extra,
      ...items.flatMap((item: object, index: number) => stray(`${name}[${index}]`, fields, item)),
    ];
  }
  if ('jobid' in inner && Object.keys(inner).every((field) => ['id', 'jobid'].includes(field))) return [];
  const wrapped = Object.values(inner);
  const object = wrapped.length === 1 && typeof wrapped[0] === 'object' ? wrapped[0] : inner;
  return stray(name, fields, object);
}

function stray(place: string, fields: Fields, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [`${place}: ${value} instead of an object`];
  return Object.entries(value).flatMap(([key, part]) => {
    const declared = fields[key];
    if (declared === undefined) return [`${place}.${key}: not declared`];
    if (typeof declared === 'string') {
      return fits(declared, part) ? [] : [`${place}.${key}: ${JSON.stringify(part)} instead of ${declared}`];
    }
    if ('object' in declared) return stray(`${place}.${key}`, declared.object, part);
    if (!Array.isArray(part)) return [`${place}.${key}: no list`];
    return part.flatMap((item, index) => stray(`${place}.${key}[${index}]`, declared.list, item));
  });
}

function fits(declared: string, value: unknown): boolean {
  switch (declared) {
    case 'string':
    case 'UUID':
      return typeof value === 'string';
    case 'int':
    case 'int64':
      return Number.isInteger(value);
    case 'float64':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'json.RawMessage':
    case 'interface{}':
      return true;
    default:
      return declared.startsWith('[]')
        ? Array.isArray(value)
        : typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}
