import type { KeychainStatus } from '../ipc/contract.ts';

/** The names under which a profile's secrets are kept. */
export const secretNames = ['password', 'apiKey', 'secretKey', 'passphrase', 'agentToken'] as const;
export type SecretName = (typeof secretNames)[number];

/**
 * The OS keychain. An account is `<profile id>/<secret name>`. All but `status` throw an `OsseaError`
 * (`keychain.missing`, `keychain.locked`) where the keychain cannot be used; nothing falls back to a file.
 */
export interface SecretStore {
  /** Never throws. The desktop may show its own prompt to unlock. */
  status(): Promise<KeychainStatus>;
  /** Undefined where nothing is kept under the account. */
  get(account: string): Promise<string | undefined>;
  set(account: string, secret: string): Promise<void>;
  /** Idempotent. */
  delete(account: string): Promise<void>;
  /** Whether something is kept under the account. */
  has(account: string): Promise<boolean>;
}
