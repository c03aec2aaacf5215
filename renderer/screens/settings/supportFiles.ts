import type { z } from 'zod';
import type { SupportBundleFile } from '../../../electron/ipc/contract.ts';

export type SupportFile = z.infer<typeof SupportBundleFile>;

const contents: Readonly<Record<string, string>> = {
  'console.json': 'Versions and settings of the console',
  'profiles.json': 'Names and addresses of accounts and appliances, no secret',
  'appliances.json': 'State of the connections',
};

/** What is in a file, in words; its name says it where we do not know. */
export function contentOf(name: string): string | undefined {
  if (name.startsWith('doctor-')) return `What the doctor found on ${name.slice(7).replace(/\.json$/, '')}`;
  if (/\.log(\.|$)/.test(name)) return 'What the console noted while it ran';
  return contents[name];
}

/** Bytes of the files that were not left out. */
export function bundleBytes(files: readonly SupportFile[], excluded: ReadonlySet<string>): number {
  const encoder = new TextEncoder();
  return files
    .filter(({ name }) => !excluded.has(name))
    .reduce((sum, { text }) => sum + encoder.encode(text).byteLength, 0);
}

/** What to leave out of what there is now: what the user left out, and what came to be after they looked. */
export function exclusion(
  previewed: readonly Pick<SupportFile, 'name'>[],
  excluded: ReadonlySet<string>,
  now: readonly Pick<SupportFile, 'name'>[],
): string[] {
  const wanted = new Set(previewed.map(({ name }) => name).filter((name) => !excluded.has(name)));
  return now.map(({ name }) => name).filter((name) => !wanted.has(name));
}
