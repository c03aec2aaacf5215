import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { signedText, UpdateFeed } from '../../electron/shell/updateFeed.ts';

export interface ReleaseKey {
  readonly privateKey: KeyObject;
  /** Goes into the app, which takes only what this key signed. */
  readonly publicPem: string;
}

/** The key that `OSSEA_RELEASE_KEY` names; undefined without one. @throws Error where it is no Ed25519 private key */
export async function releaseKey(): Promise<ReleaseKey | undefined> {
  const path = process.env.OSSEA_RELEASE_KEY;
  if (!path) return undefined;
  const privateKey = createPrivateKey(await readFile(path));
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`${path} is not an Ed25519 private key`);
  const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  return { privateKey, publicPem };
}

/** Signs what the feeds (`latest*.yml`) say of version and files. */
export async function signUpdateFeed(folder: string, { privateKey }: ReleaseKey): Promise<void> {
  for await (const name of glob('latest*.yml', { cwd: folder })) {
    const path = join(folder, name);
    const content: unknown = parse(await readFile(path, 'utf8'));
    const feed = UpdateFeed.parse(content);
    const signature = sign(null, Buffer.from(signedText(feed)), privateKey).toString('base64');
    await writeFile(path, stringify({ ...Object(content), signature }));
  }
}
