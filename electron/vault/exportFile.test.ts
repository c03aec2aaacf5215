import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Profile } from '../ipc/contract.ts';
import { exportEncrypted, exportPlain, readExport } from './exportFile.ts';

const now = '2026-01-02T03:04:05.000Z';
const profile: Profile = {
  kind: 'vcenter',
  id: '0b1e2b38-54d1-4b11-9c5a-7d1c0f6ad001',
  name: 'vc1',
  url: 'https://vc1.example/sdk',
  username: 'migrate@vsphere.local',
  createdAt: now,
  updatedAt: now,
  hasSecret: true,
};
const secret = 'pässwörd <&> "42"';

describe('a plain export', () => {
  it('holds the profiles and says that there are no secrets', async () => {
    const entries = await readExport(exportPlain([profile]), undefined);
    expect(entries).toEqual([{ profile: { ...profile, hasSecret: false } }]);
  });
});

describe('an encrypted export', () => {
  it('comes back with its secrets and shows none of them in the file', async () => {
    const text = await exportEncrypted([{ profile, secrets: { password: secret } }], 'correct horse battery');
    expect(text).not.toContain(secret);
    expect(text).not.toContain(profile.username);
    expect(await readExport(text, 'correct horse battery')).toEqual([
      { profile, secrets: { password: secret } },
    ]);
  });

  it('asks for a passphrase and refuses a wrong one', async () => {
    const text = await exportEncrypted([{ profile }], 'correct horse battery');
    await expect(readExport(text, undefined)).rejects.toMatchObject({
      code: 'request.invalid',
      field: 'passphrase',
    });
    await expect(readExport(text, 'incorrect horse')).rejects.toMatchObject({
      code: 'request.invalid',
      field: 'passphrase',
    });
  });

  it('is refused after any byte of its data was altered', async () => {
    const file = JSON.parse(
      await exportEncrypted([{ profile, secrets: { password: secret } }], 'correct horse battery'),
    );
    const data = Buffer.from(file.cipher.data, 'base64');
    await fc.assert(
      fc.asyncProperty(fc.nat(data.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const altered = Buffer.from(data);
        altered[at] = (altered[at] ?? 0) ^ change;
        const text = JSON.stringify({
          ...file,
          cipher: { ...file.cipher, data: altered.toString('base64') },
        });
        await expect(readExport(text, 'correct horse battery')).rejects.toMatchObject({
          code: 'request.invalid',
        });
      }),
      { numRuns: 5 },
    );
  });

  it('with absurd costs is refused before anything is derived', async () => {
    const file = JSON.parse(await exportEncrypted([], 'correct horse battery'));
    const text = JSON.stringify({ ...file, kdf: { ...file.kdf, N: 2 ** 30 } });
    await expect(readExport(text, 'correct horse battery')).rejects.toMatchObject({
      code: 'request.invalid',
      field: 'file',
    });
  });
});

it('anything else is refused with a word on what to choose', async () => {
  await expect(readExport('PK\u0003\u0004', undefined)).rejects.toMatchObject({
    code: 'request.invalid',
    field: 'file',
  });
});
