import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Keyring, missingForKeyring, startKeyring } from '../../e2e/lab/keyring/keyring.ts';
import type { NewProfile } from '../ipc/contract.ts';
import { KeytarStore } from './keytarStore.ts';
import { ProfileStore } from './profileStore.ts';
import { Vault } from './vault.ts';

const missing = missingForKeyring();
const vcenter: NewProfile = {
  kind: 'vcenter',
  name: 'vc1',
  url: 'https://vc1.example/sdk',
  username: 'migrate',
};
const password = 'pässwörd <&> 42';

/** What a foreign program (libsecret's own) finds under an account. */
async function secretTool(account: string): Promise<string> {
  const found = promisify(execFile)('secret-tool', [
    'lookup',
    'service',
    'OSSEA Migrate',
    'account',
    account,
  ]);
  // It exits with 1 where there is nothing.
  return found.then(({ stdout }) => stdout).catch(() => '');
}

describe.skipIf(missing.length > 0)(
  `the vault on a real keyring${missing.length > 0 ? ` (missing: ${missing})` : ''}`,
  () => {
    let keyring: Keyring;
    let folder: string;
    let vault: Vault;

    beforeAll(async () => {
      keyring = await startKeyring();
      Object.assign(process.env, keyring.environment);
    });
    afterAll(async () => {
      await keyring[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'vault-'));
      vault = new Vault(await ProfileStore.open(join(folder, 'profiles.json')), new KeytarStore());
      return () => rm(folder, { recursive: true });
    });

    it('keeps a secret in the keychain and nowhere else, and removes it with the profile', async () => {
      const profile = await vault.create(vcenter, { password });
      expect(profile.hasSecret).toBe(true);
      expect(await secretTool(`${profile.id}/password`)).toBe(password);
      for (const file of await readdir(folder))
        expect(await readFile(join(folder, file), 'utf8')).not.toContain(password);
      await vault.delete(profile.id);
      expect(await secretTool(`${profile.id}/password`)).toBe('');
      expect(vault.profiles.list()).toEqual([]);
    });

    it('refuses a profile whose secret was not typed', async () => {
      await expect(vault.create(vcenter, {})).rejects.toMatchObject({
        code: 'request.invalid',
        field: 'secrets.password',
      });
      expect(vault.profiles.list()).toEqual([]);
    });

    it('offers a changed password to those who hold a lease on the old one, and only then', async () => {
      const { id } = await vault.create(vcenter, { password });
      const appliance = await vault.create(
        {
          kind: 'appliance',
          name: 'zone-1',
          host: '192.0.2.7',
          port: 22,
          username: 'ossea',
          authentication: { method: 'agent' },
          jumpHosts: [],
          socketPath: '/run/ossea-agent/api.sock',
        },
        {},
      );
      const lease = {
        applianceId: appliance.id,
        profileId: id,
        endpointKind: 'source',
        endpointId: crypto.randomUUID(),
      } as const;
      await vault.profiles.recordLease(lease);
      expect((await vault.update(id, vcenter, { password })).rotation).toEqual([]);
      expect((await vault.update(id, vcenter, { password: 'new' })).rotation).toEqual([lease]);
      expect(await vault.secret(id, 'password')).toBe('new');
      expect(vault.usage(id)).toEqual({
        isDefault: true,
        appliances: [{ id: appliance.id, name: 'zone-1', leases: 1 }],
      });
    });

    it('moves to another laptop by an encrypted export', async () => {
      const { id } = await vault.create(vcenter, { password });
      const text = await vault.export('correct horse battery');
      await vault.delete(id);
      expect(await vault.import(text, 'correct horse battery')).toEqual({ added: 1, updated: 0 });
      expect(await vault.secret(id, 'password')).toBe(password);
      expect(vault.profiles.get(id)).toMatchObject({ name: 'vc1', hasSecret: true });
    });

    it('says that the keychain is locked instead of "no secret", and keeps nothing half', async () => {
      const { id } = await vault.create(vcenter, { password });
      await keyring.lock();
      expect(await new KeytarStore().status()).toMatchObject({ state: 'locked' });
      await expect(vault.secret(id, 'password')).rejects.toMatchObject({ code: 'keychain.locked' });
      await expect(vault.create({ ...vcenter, name: 'vc2' }, { password })).rejects.toMatchObject({
        code: 'keychain.locked',
      });
      expect(vault.profiles.list()).toHaveLength(1);
    });

    it('says what to do when the keyring goes away while the console runs, and still lists the profiles', async () => {
      await vault.profiles.create(vcenter);
      await keyring.stop();
      const status = await new KeytarStore().status();
      expect(status.state).toBe('missing');
      expect(status.detail).toContain('open it again');
      await expect(vault.create({ ...vcenter, name: 'vc2' }, { password })).rejects.toMatchObject({
        code: 'keychain.missing',
      });
      expect(vault.profiles.list()).toHaveLength(1);
    });
  },
);
