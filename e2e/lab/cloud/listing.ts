import { ApiError } from './apiError.ts';
import type { Answer, Call } from './command.ts';
import type { Account } from './model.ts';
import type { Site } from './site.ts';

/** `default.page.size`, which is also the most that a page holds. */
export const pageSizeCap = 500;

/**
 * The page that a call asks for, within its envelope: nothing at all where the list is empty, as CloudStack has it.
 * @throws ApiError 431 for a page without a size, or a size above the cap
 */
export function pageOf(call: Call, item: string, all: readonly Answer[]): Answer {
  const size = call.parameters.integer('pagesize');
  const page = call.parameters.integer('page');
  if (size !== undefined && size > pageSizeCap) {
    throw new ApiError('parameter', `The parameter pagesize exceeded its max value - ${pageSizeCap}`);
  }
  if (page !== undefined && size === undefined) {
    throw new ApiError(
      'parameter',
      'Page size must be specified along with page number for this API request',
    );
  }
  const perPage = size === undefined || size <= 0 ? pageSizeCap : size;
  const start = ((page ?? 1) - 1) * perPage;
  const shown = all.slice(start, start + perPage);
  return all.length === 0 ? {} : { count: all.length, ...(shown.length > 0 && { [item]: shown }) };
}

interface Listed {
  id: string;
  name: string;
  /** Of VMs; keywords are looked for in it too. */
  displayName?: string;
  account?: Account;
  zoneId?: string;
  tags?: ReadonlyMap<string, string>;
}

/**
 * Whether a thing passes what every list filters by: who may see it, id, ids, name (whole), keyword (part of the name), zone
 * and tags. An id that names nothing is an error, not an empty list.
 */
export function passes(site: Site, call: Call, thing: Listed): boolean {
  const { parameters } = call;
  const ids = parameters.list('ids');
  const keyword = parameters.text('keyword')?.toLowerCase();
  const name = parameters.text('name');
  const zoneId = parameters.text('zoneid');
  return (
    (thing.account === undefined || site.sees(call, thing.account)) &&
    (parameters.text('id') ?? thing.id) === thing.id &&
    (ids.length === 0 || ids.includes(thing.id)) &&
    (name === undefined || thing.name.toLowerCase() === name.toLowerCase()) &&
    (keyword === undefined ||
      [thing.name, thing.displayName].some((text) => text?.toLowerCase().includes(keyword))) &&
    (zoneId === undefined || thing.zoneId === undefined || thing.zoneId === zoneId) &&
    Object.entries(parameters.pairs('tags')).every(([key, value]) => thing.tags?.get(key) === value)
  );
}

/**
 * The things of a map that a list call asks for.
 * @throws ApiError 431 when its id names nothing
 */
export function selected<T extends Listed>(things: ReadonlyMap<string, T>, call: Call): T[] {
  if (call.parameters.text('id') !== undefined) call.site.find(things, call, 'id');
  return [...things.values()].filter((thing) => passes(call.site, call, thing));
}
