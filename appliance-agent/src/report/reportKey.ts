import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OsseaError } from '../contract/index.ts';

/**
 * The key that the agent signs reports with, made at the first use: Ed25519, PKCS #8 in PEM, readable for the agent's user alone. It does not
 * change, so that a report can be proven years later.
 * @throws OsseaError `config.invalid` where the file holds something else
 */
export async function reportKey(path: string): Promise<KeyObject> {
  const made = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (made !== undefined) return parseKey(path, made);
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${randomUUID()}`;
  await writeFile(fresh, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true });
  try {
    // Whoever comes second takes the key of the first.
    await link(fresh, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(fresh, { force: true });
  }
  return parseKey(path, await readFile(path, 'utf8'));
}

/** SPKI in PEM, as it may be given to anyone. */
export function publicPem(privateKey: KeyObject): string {
  return String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Told below, without what the file holds.
  }
  throw new OsseaError('config.invalid', `${path} is not an Ed25519 key.`, {
    field: 'stateDir',
    value: path,
    remedy: 'Put the key back from a backup. Without it, move the file away: a new key is made, and says so.',
  });
}
