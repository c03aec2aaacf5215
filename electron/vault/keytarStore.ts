import { OsseaError } from '../../appliance-agent/src/contract/index.ts';
import type { KeychainStatus } from '../ipc/contract.ts';
import type { SecretStore } from './secretStore.ts';

/** The part of keytar that we use. `findCredentials` is not among it: it crashes on items of other programs. */
interface Keytar {
  getPassword(service: string, account: string): Promise<string | null>;
  setPassword(service: string, account: string, password: string): Promise<void>;
  deletePassword(service: string, account: string): Promise<boolean>;
}

/** Under which our items stand in the keychain. */
export const keychainService = 'OSSEA Migrate';

/** An item without a secret: only writing shows whether the keychain is open, as a locked one answers reads with nothing. */
const probeAccount = 'probe';

const storeNames: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'Keychain',
  win32: 'Windows Credential Manager',
};
const storeName = storeNames[process.platform] ?? 'Secret Service (GNOME Keyring, KWallet)';

/** What libsecret and the macOS keychain say of a keychain that is there but locked. Every other failure means: none to be used. */
const lockedPattern = /locked collection|prompt.*dismissed|is locked|errSecInteractionNotAllowed/i;

/** Secrets in the OS keychain through keytar: Keychain, Credential Manager, or the Secret Service. */
export class KeytarStore implements SecretStore {
  #keytar: Promise<Keytar> | undefined;

  async status(): Promise<KeychainStatus> {
    try {
      await this.#probe();
      return { state: 'available', store: storeName };
    } catch (error) {
      const { code, message, remedy } = keychainError(error);
      return {
        state: code === 'keychain.locked' ? 'locked' : 'missing',
        store: storeName,
        detail: `${message} ${remedy ?? ''}`.trim(),
      };
    }
  }

  async get(account: string): Promise<string | undefined> {
    const secret = await this.#use((keytar) => keytar.getPassword(keychainService, account));
    if (secret !== null) return secret;
    // Nothing kept, or a locked keychain: these look the same.
    await this.#probe();
    return undefined;
  }

  async set(account: string, secret: string): Promise<void> {
    await this.#use((keytar) => keytar.setPassword(keychainService, account, secret));
  }

  async delete(account: string): Promise<void> {
    const deleted = await this.#use((keytar) => keytar.deletePassword(keychainService, account));
    if (!deleted) await this.#probe();
  }

  async has(account: string): Promise<boolean> {
    return (await this.get(account)) !== undefined;
  }

  async #probe(): Promise<void> {
    await this.#use((keytar) => keytar.setPassword(keychainService, probeAccount, 'open'));
  }

  async #use<T>(action: (keytar: Keytar) => Promise<T>): Promise<T> {
    try {
      // Native, and absent where libsecret was missing at the installation: loaded when first needed.
      this.#keytar ??= import('keytar').then((module) => module.default);
      return await action(await this.#keytar);
    } catch (error) {
      throw keychainError(error);
    }
  }
}

function keychainError(error: unknown): OsseaError {
  if (error instanceof OsseaError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (lockedPattern.test(text)) {
    return new OsseaError('keychain.locked', `The keychain (${storeName}) is locked.`, {
      remedy:
        'Unlock the keyring: log in to the desktop, or open "Passwords and Keys" and unlock the login keyring. Then try again.',
      retryable: true,
    });
  }
  // libsecret keeps its first connection for the life of the process, hence the last sentence.
  return new OsseaError('keychain.missing', `The keychain (${storeName}) cannot be used: ${text}.`, {
    remedy:
      'Install a keyring and start it with the desktop session: on Debian "apt-get install gnome-keyring libsecret-1-0 dbus-user-session", then log in again. Secrets are never kept in a file instead. If the keyring was restarted just now, quit the console and open it again.',
  });
}
