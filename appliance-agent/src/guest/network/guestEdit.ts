/** A file of the guest. */
export interface GuestFile {
  readonly path: string;
  readonly text: string;
}

/** A change of the guest's files. What was there before is kept under `savedRoot`. */
export type GuestEdit =
  | { readonly kind: 'write'; readonly path: string; readonly text: string; readonly mode: number }
  /** Taken away from where it counts. */
  | { readonly kind: 'retire'; readonly path: string };

/** What is to be done to a guest's network, and what a person should know of it. */
export interface NetworkPlan {
  readonly edits: readonly GuestEdit[];
  readonly warnings: readonly string[];
}

/** Where the guest keeps what it had: the old paths lie below it. */
export const savedRoot = '/var/lib/ossea-migrate/saved';

/** The first line of each file that is ours. */
export const ourMark = '# Written by OSSEA Migrate when this machine was moved.';
