import { posix } from 'node:path';
import { OsseaError } from '../contract/index.ts';
import { type Guestfish, GuestfishError } from './guestfish.ts';
import { type GuestEdit, savedRoot } from './network/guestEdit.ts';

/**
 * Does the edits in a guest whose file systems are mounted for writing. What a path held first is kept below `savedRoot`, also when it is edited again.
 * @throws OsseaError `guest.network`
 */
export async function applyEdits(
  session: Guestfish,
  edits: readonly GuestEdit[],
  label: string,
): Promise<void> {
  for (const edit of edits) {
    try {
      await applyEdit(session, edit);
    } catch (error) {
      if (!(error instanceof GuestfishError)) throw error;
      throw new OsseaError(
        'guest.network',
        `${edit.path} cannot be changed in the guest of ${label}: ${error.message}.`,
        {
          remedy: 'Leave the static addresses out, and set them in the guest after the move.',
          cause: error,
        },
      );
    }
  }
}

async function applyEdit(session: Guestfish, edit: GuestEdit): Promise<void> {
  const saved = posix.join(savedRoot, edit.path);
  if (await session.test('exists', edit.path)) {
    await session.run('mkdir-p', posix.dirname(saved));
    await session.run('chmod', '0700', savedRoot);
    const keep = !(await session.test('exists', saved));
    if (edit.kind === 'retire') {
      if (keep) await session.run('mv', edit.path, saved);
      else await session.run('rm', edit.path);
    } else if (keep) {
      await session.run('cp-a', edit.path, saved);
    }
  }
  if (edit.kind === 'write') {
    await session.run('mkdir-p', posix.dirname(edit.path));
    await session.writeFile(edit.path, edit.text, edit.mode);
  }
}

/**
 * Mounts a root and what belongs to it, as an inspection found it: `/` first.
 * @throws GuestfishError where the root itself cannot be mounted
 */
export async function mountGuest(
  session: Guestfish,
  mountpoints: ReadonlyMap<string, string>,
  readOnly: boolean,
): Promise<void> {
  const shallowFirst = [...mountpoints].toSorted(([a], [b]) => a.length - b.length);
  for (const [mountpoint, device] of shallowFirst) {
    const command = readOnly ? 'mount-ro' : 'mount';
    if (mountpoint === '/') await session.run(command, device, mountpoint);
    else await session.attempt(command, device, mountpoint);
  }
}
