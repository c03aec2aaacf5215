import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isSigned, UpdateFeed } from './updateFeed.ts';

const firstCheckMs = 30_000;
const intervalMs = 6 * 3_600_000;

export interface UpdateOptions {
  /** The public key (PEM) that the build put into the app. */
  readonly keyFile: string;
  /** Asked before every check: the user may not want any. */
  readonly isWanted: () => boolean;
  readonly log: Logger;
  /** An update is there, and is installed when the console is quit. */
  readonly onReady: (version: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Looks for updates from time to time and downloads what the release's key signed; code signatures are checked beside it on macOS and
 * Windows by the updater. Returns at once in builds without a key, which do not update themselves.
 */
export async function watchForUpdates({
  keyFile,
  isWanted,
  log,
  onReady,
  signal,
}: UpdateOptions): Promise<void> {
  const pem = await readFile(keyFile).catch(() => undefined);
  if (!pem) {
    log.info('updates are off: this build has no key that signs them');
    return;
  }
  const key = createPublicKey(pem);
  const { autoUpdater } = await import('electron-updater');
  autoUpdater.logger = log;
  autoUpdater.autoInstallOnAppQuit = true;
  const isSupported = autoUpdater.isUpdateSupported;
  autoUpdater.isUpdateSupported = async (info) => {
    const feed = UpdateFeed.safeParse(info);
    if (feed.success && isSigned(feed.data, key)) return isSupported.call(autoUpdater, info);
    log.error({ version: info.version }, 'an update is not signed by the release’s key and is refused');
    return false;
  };
  autoUpdater.on('update-downloaded', ({ version }) => onReady(version));
  // Told by the log; the next check comes anyway.
  autoUpdater.on('error', (error) => log.warn({ error }, 'update'));
  for (let wait = firstCheckMs; !signal.aborted; wait = intervalMs) {
    await setTimeout(wait, undefined, { signal, ref: false }).catch(() => undefined);
    if (!signal.aborted && isWanted()) await autoUpdater.checkForUpdates().catch(() => undefined);
  }
}
