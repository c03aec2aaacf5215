/** The tag that marks what is ours; its value is the id of our record of it. */
export const ownerTag = 'ossea-migrate';

/** Every name that we give to volumes, snapshots and networks begins so, and that of a VM has it within until it is tagged. */
export const namePrefix = 'ossea-';

/** What can be looked up by its name and tags. */
interface Named {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * What is unique in a name of ours: the last 12 hex digits of the record's UUID, which are random in every version.
 * Nobody else is likely to have made up these 48 bits.
 */
export function tokenOf(ownerId: string): string {
  return ownerId.replaceAll('-', '').slice(-12).toLowerCase();
}

/** True for what bears our tag, or, from before it was tagged, our token in its name. */
export function belongsTo(thing: Named, ownerId: string): boolean {
  const owner = thing.tags[ownerTag];
  return owner === undefined ? thing.name.toLowerCase().includes(tokenOf(ownerId)) : owner === ownerId;
}
