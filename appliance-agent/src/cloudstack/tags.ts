import type { AsyncCallOptions, CloudStackClient } from './client.ts';
import { ownerTag } from './ownership.ts';
import { type EffectOptions, settle } from './settle.ts';

export type TaggedKind = 'Volume' | 'UserVm' | 'Snapshot' | 'Network';

/** Sets tags; one that exists, with whatever value, is refused by CloudStack. */
export async function createTags(
  client: CloudStackClient,
  resourceType: TaggedKind,
  ids: readonly string[],
  tags: Readonly<Record<string, string>>,
  options: AsyncCallOptions = {},
): Promise<void> {
  const parameters: Record<string, string> = {};
  for (const [index, [key, value]] of Object.entries(tags).entries()) {
    parameters[`tags[${index}].key`] = key;
    parameters[`tags[${index}].value`] = value;
  }
  await client.callAsync(
    'createTags',
    { resourcetype: resourceType, resourceids: ids, ...parameters },
    options,
  );
}

/** Removes tags by their keys, whatever their values. */
export async function deleteTags(
  client: CloudStackClient,
  resourceType: TaggedKind,
  ids: readonly string[],
  keys: readonly string[],
  options: AsyncCallOptions = {},
): Promise<void> {
  const named = keys.map((key, index): [string, string] => [`tags[${index}].key`, key]);
  await client.callAsync(
    'deleteTags',
    { resourcetype: resourceType, resourceids: ids, ...Object.fromEntries(named) },
    options,
  );
}

interface Tagged {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Makes sure that a thing of ours bears our tag and the given ones; those that it has are left as they are. */
export async function ensureTags(
  client: CloudStackClient,
  resourceType: TaggedKind,
  thing: Tagged,
  wanted: { readonly ownerId: string; readonly others?: Readonly<Record<string, string>> | undefined },
  find: () => Promise<Tagged | undefined>,
  { signal, pauseMs }: EffectOptions,
): Promise<void> {
  const all = { ...wanted.others, [ownerTag]: wanted.ownerId };
  const missing = (tags: Tagged['tags']) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => tags[key] === undefined));
  if (Object.keys(missing(thing.tags)).length === 0) return;
  let known = thing;
  await settle({
    subject: `the tagging of ${thing.name}`,
    act: () => createTags(client, resourceType, [thing.id], missing(known.tags), { signal }),
    look: async () => {
      const seen = await find();
      known = seen ?? known;
      return seen && Object.keys(missing(seen.tags)).length === 0 ? true : undefined;
    },
    pauseMs,
    signal,
  });
}
