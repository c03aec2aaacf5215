import type { KeychainStatus } from '../../electron/ipc/contract.ts';

/** A keychain's state as a title. */
export function keychainTitle({ state, store }: Pick<KeychainStatus, 'state' | 'store'>): string {
  switch (state) {
    case 'available':
      return `${store} is open`;
    case 'locked':
      return `${store} is locked`;
    case 'missing':
      return 'There is no keychain';
  }
}

/** What does not work without a keychain; undefined: all does. */
export function keychainLoss({ state }: Pick<KeychainStatus, 'state'>): string | undefined {
  return state === 'available'
    ? undefined
    : 'Until then no password or key can be kept or lent, and appliances that need one cannot be reached. Nothing is kept in clear text instead.';
}
