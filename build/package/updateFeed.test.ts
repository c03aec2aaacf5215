import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isSigned, UpdateFeed } from '../../electron/shell/updateFeed.ts';
import { releaseKey, signUpdateFeed } from './updateFeed.ts';

/** As electron-builder writes it. */
const feed = `version: 1.2.3
files:
  - url: OSSEA-Migrate-1.2.3.AppImage
    sha512: Zm9vYmFy
    size: 123
    blockMapSize: 45
path: OSSEA-Migrate-1.2.3.AppImage
sha512: Zm9vYmFy
releaseDate: '2026-01-01T00:00:00.000Z'
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-feed-'));
});
afterEach(async () => {
  delete process.env.OSSEA_RELEASE_KEY;
  await rm(folder, { recursive: true });
});

it('signs a feed so that the app takes it, and loses nothing of it', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  process.env.OSSEA_RELEASE_KEY = join(folder, 'key.pem');
  await writeFile(process.env.OSSEA_RELEASE_KEY, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'latest-linux.yml'), feed);

  const key = await releaseKey();
  expect(key?.publicPem).toBe(publicKey.export({ type: 'spki', format: 'pem' }));
  if (key) await signUpdateFeed(folder, key);

  const signed: unknown = parse(await readFile(join(folder, 'latest-linux.yml'), 'utf8'));
  expect(signed).toMatchObject(parse(feed));
  expect(isSigned(UpdateFeed.parse(signed), publicKey)).toBe(true);
});

it('refuses a key of another kind, and does without any', async () => {
  expect(await releaseKey()).toBeUndefined();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  process.env.OSSEA_RELEASE_KEY = join(folder, 'key.pem');
  await writeFile(process.env.OSSEA_RELEASE_KEY, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await expect(releaseKey()).rejects.toThrow('is not an Ed25519 private key');
});
