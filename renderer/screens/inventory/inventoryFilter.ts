import type { VmRow } from './vmRow.ts';

export type Dimension = 'os' | 'power' | 'network' | 'datastore' | 'tag' | 'concern' | 'management';

/** What the table is narrowed to. Within a dimension any value will do, between them all must hold. */
export interface InventoryFilter {
  /** Words, all of which must occur. */
  readonly text: string;
  readonly chosen: { readonly [D in Dimension]?: readonly string[] };
  /** Capacity of all disks, GiB; inclusive. */
  readonly leastGiB: number | undefined;
  readonly mostGiB: number | undefined;
  /** MoRef of a place in the tree. */
  readonly place: string | undefined;
}

export const noFilter: InventoryFilter = {
  text: '',
  chosen: {},
  leastGiB: undefined,
  mostGiB: undefined,
  place: undefined,
};

const gibibyte = 2 ** 30;
const powerWords = { poweredOn: 'On', poweredOff: 'Off', suspended: 'Suspended' } as const;
const severityWords = { critical: 'Any critical', warning: 'Any warning', info: 'Any information' } as const;

/** What a VM has to offer in a dimension. */
export const valuesOf: { readonly [D in Dimension]: (row: VmRow) => readonly string[] } = {
  os: ({ guest }) => [guest.family],
  power: ({ powerState }) => [powerWords[powerState]],
  network: ({ networks }) => networks,
  datastore: ({ datastores }) => datastores,
  tag: ({ tags }) => tags,
  concern: ({ hints }) =>
    hints.length === 0
      ? ['None known']
      : hints.flatMap(({ rule, severity }) => [severityWords[severity], rule]),
  management: ({ workload }) => [workload ? 'Managed' : 'Not managed'],
};

export const dimensionTitles: { readonly [D in Dimension]: string } = {
  os: 'OS',
  power: 'Power',
  network: 'Network',
  datastore: 'Datastore',
  tag: 'Tag',
  concern: 'Concern',
  management: 'Management',
};

export const dimensions: readonly Dimension[] = [
  'os',
  'power',
  'network',
  'datastore',
  'tag',
  'concern',
  'management',
];

/** A value that can be chosen, and how many of the rows have it. */
export interface Choice {
  readonly value: string;
  readonly count: number;
}

/** All values of a dimension, most frequent first. */
export function choicesOf(rows: readonly VmRow[], dimension: Dimension): readonly Choice[] {
  const counts = new Map<string, number>();
  for (const row of rows)
    for (const value of new Set(valuesOf[dimension](row))) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}

/** The predicate of a filter; undefined where it lets everything through. */
export function accepts(filter: InventoryFilter): ((row: VmRow) => boolean) | undefined {
  const tests: ((row: VmRow) => boolean)[] = [];
  const { place, leastGiB, mostGiB } = filter;
  if (place !== undefined) tests.push((row) => row.place.above.has(place));
  if (leastGiB !== undefined) tests.push(({ diskBytes }) => diskBytes >= leastGiB * gibibyte);
  if (mostGiB !== undefined) tests.push(({ diskBytes }) => diskBytes <= mostGiB * gibibyte);
  for (const word of filter.text.toLowerCase().split(/\s+/))
    if (word !== '') tests.push(({ haystack }) => haystack.includes(word));
  for (const dimension of dimensions) {
    const chosen = new Set(filter.chosen[dimension]);
    if (chosen.size > 0) tests.push((row) => valuesOf[dimension](row).some((value) => chosen.has(value)));
  }
  if (tests.length === 0) return undefined;
  return (row) => tests.every((test) => test(row));
}
