import { isOsseaError, OsseaError } from '../../appliance-agent/src/contract/index.ts';
import type { NewProfile, Profile, ProfileId, ProfileSecrets, ProfileUsage } from '../ipc/contract.ts';
import { exportEncrypted, exportPlain, readExport } from './exportFile.ts';
import type { LeaseRecord, ProfileStore } from './profileStore.ts';
import { type SecretName, type SecretStore, secretNames } from './secretStore.ts';

/** Which secrets a profile must have before it can be used. An SSH agent needs none, an unencrypted key neither. */
function requiredSecrets(profile: NewProfile): readonly SecretName[] {
  switch (profile.kind) {
    case 'vcenter':
      return ['password'];
    case 'cloudstack':
      return ['apiKey', 'secretKey'];
    case 'appliance':
      return profile.authentication.method === 'password' ? ['password'] : [];
  }
}

/** Profiles and their secrets together. Everything but *test the connection* works without any network. */
export class Vault {
  readonly #profiles: ProfileStore;
  readonly #secrets: SecretStore;

  constructor(profiles: ProfileStore, secrets: SecretStore) {
    this.#profiles = profiles;
    this.#secrets = secrets;
  }

  get profiles(): ProfileStore {
    return this.#profiles;
  }

  /** A secret for use within main; undefined where none is kept. @throws OsseaError `keychain.missing`, `keychain.locked` */
  async secret(id: ProfileId, name: SecretName): Promise<string | undefined> {
    // A profile without secrets works where there is no keychain too.
    return this.#profiles.get(id).hasSecret ? this.#secrets.get(`${id}/${name}`) : undefined;
  }

  /** As `secret`, where the work cannot go on without. @throws OsseaError `config.incomplete` too */
  async requireSecret(id: ProfileId, name: SecretName): Promise<string> {
    const secret = await this.secret(id, name);
    if (secret !== undefined) return secret;
    const { name: profileName } = this.#profiles.get(id);
    throw new OsseaError('config.incomplete', `The keychain holds no ${name} for ${profileName}.`, {
      field: name,
      remedy: `Open Credentials, choose ${profileName} and type it again.`,
    });
  }

  /** Adds a profile and its secrets; where the keychain refuses, nothing is kept of either. */
  async create(given: NewProfile, secrets: ProfileSecrets): Promise<Profile> {
    const missing = requiredSecrets(given).find((name) => secrets[name] === undefined);
    if (missing !== undefined) {
      throw new OsseaError('request.invalid', `${given.name} needs a value for ${missing}.`, {
        field: `secrets.${missing}`,
        remedy: 'Fill it in.',
      });
    }
    const profile = await this.#profiles.create(given);
    try {
      return await this.#keep(profile, secrets);
    } catch (error) {
      await this.#forget(profile.id).catch(() => undefined);
      await this.#profiles.delete(profile.id);
      throw error;
    }
  }

  /**
   * Changes a profile. Secrets that are not given stay. `rotation` are the leases that other computers' jobs still run on with the
   * old secret.
   */
  async update(
    id: ProfileId,
    given: NewProfile,
    secrets: ProfileSecrets,
  ): Promise<{ profile: Profile; rotation: readonly LeaseRecord[] }> {
    const changed = await this.#changesAny(id, secrets);
    // The keychain first: where it refuses, the profile stays as it was.
    await this.#keep(this.#profiles.get(id), secrets);
    const profile = await this.#profiles.update(id, given);
    return { profile, rotation: changed ? this.#profiles.leasesOf(id) : [] };
  }

  /** Keeps one more secret of a profile, such as the agent's token after an installation. */
  async keepSecret(id: ProfileId, name: SecretName, secret: string): Promise<void> {
    await this.#keep(this.#profiles.get(id), { [name]: secret });
  }

  /** What would be affected by deleting the profile. */
  usage(id: ProfileId): ProfileUsage {
    const profile = this.#profiles.get(id);
    const leases = Map.groupBy(this.#profiles.leasesOf(id), (lease) => lease.applianceId);
    return {
      isDefault: this.#profiles.defaults()[profile.kind] === id,
      appliances: [...leases].map(([applianceId, records]) => ({
        id: applianceId,
        name: this.#profiles.get(applianceId).name,
        leases: records.length,
      })),
    };
  }

  /** Removes the secrets first: a profile without secrets can be deleted again, a secret without a profile is lost. */
  async delete(id: ProfileId): Promise<void> {
    this.#profiles.get(id);
    try {
      await this.#forget(id);
    } catch (error) {
      // Where there is no keychain at all, there is nothing in it to be left behind.
      if (!isOsseaError(error, 'keychain.missing')) throw error;
    }
    await this.#profiles.delete(id);
  }

  /** The text of an export file; with a passphrase it holds the secrets, encrypted. */
  async export(passphrase: string | undefined): Promise<string> {
    const profiles = this.#profiles.list();
    if (passphrase === undefined) return exportPlain(profiles);
    const entries = await Promise.all(
      profiles.map(async (profile) => ({ profile, secrets: await this.#secretsOf(profile.id) })),
    );
    return exportEncrypted(entries, passphrase);
  }

  /** Takes an export file in; same ids are replaced, others added. */
  async import(text: string, passphrase: string | undefined): Promise<{ added: number; updated: number }> {
    const entries = await readExport(text, passphrase);
    const counts = await this.#profiles.merge(entries.map(({ profile }) => profile));
    for (const { profile, secrets } of entries) {
      if (secrets) await this.#keep(this.#profiles.get(profile.id), secrets);
    }
    return counts;
  }

  async #secretsOf(id: ProfileId): Promise<ProfileSecrets> {
    const secrets: ProfileSecrets = {};
    for (const name of secretNames) {
      const secret = await this.secret(id, name);
      if (secret !== undefined) secrets[name] = secret;
    }
    return secrets;
  }

  async #changesAny(id: ProfileId, secrets: ProfileSecrets): Promise<boolean> {
    for (const name of secretNames) {
      const secret = secrets[name];
      if (secret !== undefined && secret !== (await this.secret(id, name))) return true;
    }
    return false;
  }

  async #keep(profile: Profile, secrets: ProfileSecrets): Promise<Profile> {
    let kept = false;
    for (const name of secretNames) {
      const secret = secrets[name];
      if (secret === undefined) continue;
      await this.#secrets.set(`${profile.id}/${name}`, secret);
      kept = true;
    }
    return kept && !profile.hasSecret ? this.#profiles.setHasSecret(profile.id, true) : profile;
  }

  async #forget(id: ProfileId): Promise<void> {
    for (const name of secretNames) await this.#secrets.delete(`${id}/${name}`);
  }
}
