import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { AppInfo, ApplianceStatus, Profile, Settings } from '../ipc/contract.ts';
import { redact, redactText } from './redact.ts';

export interface BundleSources {
  readonly info: AppInfo;
  readonly settings: Settings;
  readonly profiles: readonly Profile[];
  readonly statuses: readonly ApplianceStatus[];
  readonly logFiles: readonly string[];
  /** The doctor's report of each appliance that could be reached, by its name. */
  readonly doctors: ReadonlyMap<string, unknown>;
}

export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

/** What a supporter needs, without any secret: as files that a person reads before they are saved. */
export async function collectBundle(sources: BundleSources): Promise<BundleFile[]> {
  const json = (name: string, value: unknown): BundleFile => ({
    name,
    text: `${JSON.stringify(redact(value), null, 2)}\n`,
  });
  const logs = await Promise.all(
    sources.logFiles.map(async (path) => ({
      name: basename(path),
      // The older log may not exist.
      text: redactText(await readFile(path, 'utf8').catch(() => '')),
    })),
  );
  return [
    json('console.json', { ...sources.info, settings: { ...sources.settings, views: undefined } }),
    json('profiles.json', sources.profiles),
    json('appliances.json', sources.statuses),
    ...[...sources.doctors].map(([name, report]) =>
      json(`doctor-${name.replace(/[^\w.-]/g, '_')}.json`, report),
    ),
    ...logs.filter(({ text }) => text !== ''),
  ];
}

/** The bundle as one text, each file under its name. */
export function formatBundle(files: readonly BundleFile[]): string {
  return files.map(({ name, text }) => `===== ${name} =====\n${text}`).join('\n');
}
