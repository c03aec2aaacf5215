import { isOsseaError, OsseaError } from '../contract/index.ts';

/** The error of a cancelled copy or verification: the signal's reason where that is one of ours already. */
export function cancelled(label: string, reason: unknown): OsseaError {
  if (isOsseaError(reason)) return reason;
  return new OsseaError('copy.cancelled', `The copy of ${label} was cancelled.`, {
    remedy: 'What was copied is kept: the next run goes on from it.',
    cause: reason,
  });
}
