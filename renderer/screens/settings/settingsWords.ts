import type { AppInfo } from '../../../electron/ipc/contract.ts';

/** Why this console does not look for updates whatever is set; undefined: it does. */
export function whyNoUpdates({ packaged }: Pick<AppInfo, 'packaged'>): string | undefined {
  return packaged ? undefined : 'This console runs from its source code and is not updated.';
}

/** The facts that a question to the makers should bear, as text. */
export function aboutText({ version, electron, platform }: AppInfo): string {
  return `OSSEA Migrate ${version}\nElectron ${electron}\n${platform}\n`;
}
