import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Remembers of which inputs something was made, so that it is not made again of the same. */
export interface Freshness {
  isFresh(): Promise<boolean>;
  /** To be called when it was made. */
  remember(): Promise<void>;
}

/**
 * @param name under which it is remembered in `.cache`
 * @param files all that it is made of, as absolute paths; those that change its making among them
 */
export async function freshnessOf(name: string, files: readonly string[]): Promise<Freshness> {
  const hash = createHash('sha256');
  for (const file of [...files].sort()) hash.update(`${relative(root, file)}\0`).update(await readFile(file));
  const digest = hash.digest('hex');
  const stamp = join(root, '.cache', `made-${name}`);
  return {
    isFresh: async () => (await readFile(stamp, 'utf8').catch(() => '')) === digest,
    async remember() {
      await mkdir(join(root, '.cache'), { recursive: true });
      await writeFile(stamp, digest);
    },
  };
}
