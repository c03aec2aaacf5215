import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { OsseaError } from '../../appliance-agent/src/contract/index.ts';
import { type ApplianceProfile, type NewProfile, Profile, ProfileId, ProfileKind } from '../ipc/contract.ts';

const LeaseRecord = z.object({
  applianceId: ProfileId,
  profileId: ProfileId,
  endpointKind: z.enum(['source', 'target']),
  endpointId: z.uuid(),
  /** For a limited time only: when it ends, the person decides anew. */
  limited: z.boolean().optional(),
});
/** That an appliance holds a lease on the secret of a profile. */
export type LeaseRecord = z.infer<typeof LeaseRecord>;

const ProfilesFile = z.object({
  version: z.literal(1),
  profiles: z.array(Profile),
  defaults: z.partialRecord(ProfileKind, ProfileId),
  leases: z.array(LeaseRecord),
});
type ProfilesFile = z.infer<typeof ProfilesFile>;

/**
 * What is known of vCenters, clouds and appliances, without any secret: one JSON file, replaced as a whole on each change,
 * so that a crash leaves the old or the new one. Works offline.
 */
export class ProfileStore {
  readonly #path: string;
  #content: ProfilesFile;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, content: ProfilesFile) {
    this.#path = path;
    this.#content = content;
  }

  /**
   * Opens the file, or begins with none.
   * @throws OsseaError `config.invalid` where the file is damaged or of a later version; it is left as it is
   */
  static async open(path: string): Promise<ProfileStore> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      return new ProfileStore(path, { version: 1, profiles: [], defaults: {}, leases: [] });
    }
    return new ProfileStore(path, parseFile(path, text));
  }

  list(): readonly Profile[] {
    return this.#content.profiles;
  }

  /** @throws OsseaError `request.not-found` */
  get(id: ProfileId): Profile {
    const profile = this.#content.profiles.find((candidate) => candidate.id === id);
    if (!profile) {
      throw new OsseaError('request.not-found', `There is no profile ${id}.`, {
        remedy: 'Refresh the list; it may have been deleted in another window.',
      });
    }
    return profile;
  }

  /** Adds a profile; the first of its kind becomes the default. */
  async create(given: NewProfile): Promise<Profile> {
    this.#refuseTakenName(given, undefined);
    const now = new Date().toISOString();
    const profile = Profile.parse({
      ...given,
      id: randomUUID(),
      createdAt: now,
      updatedAt: now,
      hasSecret: false,
    });
    const { profiles, defaults } = this.#content;
    await this.#write({
      ...this.#content,
      profiles: [...profiles, profile],
      defaults: { ...defaults, [profile.kind]: defaults[profile.kind] ?? profile.id },
    });
    return profile;
  }

  /** Replaces what a person typed; what was learned (host key) stays while host and port stay. */
  async update(id: ProfileId, given: NewProfile): Promise<Profile> {
    const old = this.get(id);
    if (old.kind !== given.kind) {
      throw new OsseaError('request.invalid', `${old.name} is of the kind ${old.kind}.`, {
        field: 'kind',
        value: given.kind,
        remedy: 'Create another profile instead.',
      });
    }
    this.#refuseTakenName(given, id);
    return this.#replace(
      Profile.parse({
        ...given,
        ...learnedOf(old, given),
        id,
        createdAt: old.createdAt,
        updatedAt: new Date().toISOString(),
        hasSecret: old.hasSecret,
      }),
    );
  }

  /** Remembers whether the keychain holds a secret of the profile. */
  async setHasSecret(id: ProfileId, hasSecret: boolean): Promise<Profile> {
    return this.#replace({ ...this.get(id), hasSecret });
  }

  /** Pins the host key (`SHA256:…`) of an appliance, or of one of its jump hosts. */
  async setHostKey(id: ProfileId, hostKey: string, jumpHost?: string): Promise<Profile> {
    const profile = this.get(id);
    if (profile.kind !== 'appliance') {
      throw new OsseaError('request.invalid', `${profile.name} is not an appliance.`);
    }
    return this.#replace(
      jumpHost === undefined
        ? { ...profile, hostKey }
        : { ...profile, jumpHostKeys: { ...profile.jumpHostKeys, [jumpHost]: hostKey } },
    );
  }

  /** Removes a profile and all that refers to it. Secrets are the vault's to remove first. */
  async delete(id: ProfileId): Promise<void> {
    const { kind } = this.get(id);
    const profiles = this.#content.profiles.filter((profile) => profile.id !== id);
    const defaults = { ...this.#content.defaults };
    if (defaults[kind] === id) {
      delete defaults[kind];
      const next = profiles.find((profile) => profile.kind === kind);
      if (next) defaults[kind] = next.id;
    }
    const leases = this.#content.leases.filter((lease) => lease.profileId !== id && lease.applianceId !== id);
    await this.#write({ ...this.#content, profiles, defaults, leases });
  }

  defaults(): Readonly<ProfilesFile['defaults']> {
    return this.#content.defaults;
  }

  async setDefault(id: ProfileId): Promise<void> {
    const { kind } = this.get(id);
    await this.#write({ ...this.#content, defaults: { ...this.#content.defaults, [kind]: id } });
  }

  leasesOf(profileId: ProfileId): readonly LeaseRecord[] {
    return this.#content.leases.filter((lease) => lease.profileId === profileId);
  }

  leasesHeldBy(applianceId: ProfileId): readonly LeaseRecord[] {
    return this.#content.leases.filter((lease) => lease.applianceId === applianceId);
  }

  /** An endpoint holds one lease at a time: an older record of it is replaced. */
  async recordLease(lease: LeaseRecord): Promise<void> {
    const others = this.#content.leases.filter(
      (other) => other.applianceId !== lease.applianceId || other.endpointId !== lease.endpointId,
    );
    await this.#write({ ...this.#content, leases: [...others, lease] });
  }

  /** After a person took the credentials back. */
  async forgetLease(applianceId: ProfileId, endpointId: string): Promise<void> {
    const leases = this.#content.leases.filter(
      (lease) => lease.applianceId !== applianceId || lease.endpointId !== endpointId,
    );
    if (leases.length !== this.#content.leases.length) await this.#write({ ...this.#content, leases });
  }

  /** Puts profiles of an import in: same id replaces, others are added. Their secrets follow separately. */
  async merge(imported: readonly Profile[]): Promise<{ added: number; updated: number }> {
    const known = new Map(this.#content.profiles.map((profile) => [profile.id, profile]));
    let updated = 0;
    for (const profile of imported) {
      const old = known.get(profile.id);
      if (old) updated++;
      known.set(profile.id, { ...profile, hasSecret: old?.hasSecret ?? false });
    }
    const defaults = { ...this.#content.defaults };
    for (const profile of known.values()) defaults[profile.kind] ??= profile.id;
    await this.#write({ ...this.#content, profiles: [...known.values()], defaults });
    return { added: imported.length - updated, updated };
  }

  #refuseTakenName(given: NewProfile, except: ProfileId | undefined): void {
    const taken = this.#content.profiles.some(
      (profile) => profile.kind === given.kind && profile.name === given.name && profile.id !== except,
    );
    if (taken) {
      throw new OsseaError('request.conflict', `The name "${given.name}" is taken.`, {
        field: 'name',
        value: given.name,
        remedy: 'Choose another name.',
      });
    }
  }

  async #replace(profile: Profile): Promise<Profile> {
    const profiles = this.#content.profiles.map((old) => (old.id === profile.id ? profile : old));
    await this.#write({ ...this.#content, profiles });
    return profile;
  }

  /** One write after another: two at once could finish in the wrong order. */
  async #write(content: ProfilesFile): Promise<void> {
    this.#content = content;
    const write = this.#writing.then(() =>
      writeFileAtomic(this.#path, `${JSON.stringify(this.#content, null, 2)}\n`, { mode: 0o600 }),
    );
    this.#writing = write.catch(() => undefined);
    await write;
  }
}

/** Host keys stay trusted while they are of the same place. */
function learnedOf(old: Profile, given: NewProfile): Partial<ApplianceProfile> {
  if (old.kind !== 'appliance' || given.kind !== 'appliance') return {};
  const samePlace = old.host === given.host && old.port === given.port;
  return {
    jumpHostKeys: old.jumpHostKeys,
    ...(samePlace && old.hostKey !== undefined && { hostKey: old.hostKey }),
  };
}

function parseFile(path: string, text: string): ProfilesFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const parsed = ProfilesFile.safeParse(content);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new OsseaError('config.invalid', `The profiles file ${path} cannot be read: ${issue?.message}.`, {
    field: issue?.path.join('.') ?? '',
    remedy:
      'Restore the file from a backup, or move it away to begin anew; secrets in the keychain are not lost.',
  });
}
