import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { OsseaError } from '../../appliance-agent/src/contract/index.ts';
import { Profile, ProfileSecrets } from '../ipc/contract.ts';

/** A profile as it travels to another laptop; secrets only in an encrypted file. */
const ExportedProfile = z.object({ profile: Profile, secrets: ProfileSecrets.optional() });
export type ExportedProfile = z.infer<typeof ExportedProfile>;

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const PlainFile = z.object({
  format: z.literal('ossea-profiles'),
  version: z.literal(1),
  entries: z.array(ExportedProfile),
});
const EncryptedFile = z.object({
  format: z.literal('ossea-profiles-encrypted'),
  version: z.literal(1),
  kdf: z.object({
    name: z.literal('scrypt'),
    // Bounded, so that a made-up file cannot make us use all memory.
    N: z
      .number()
      .int()
      .min(2 ** 14)
      .max(2 ** 18),
    r: z.number().int().min(1).max(16),
    p: z.number().int().min(1).max(4),
    salt: base64,
  }),
  cipher: z.object({ name: z.literal('aes-256-gcm'), iv: base64, tag: base64, data: base64 }),
});
const AnyFile = z.discriminatedUnion('format', [PlainFile, EncryptedFile]);

const cost = { N: 2 ** 17, r: 8, p: 1 };
const deriveKey = promisify<
  string,
  Buffer,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt);

function keyOf(passphrase: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> {
  return deriveKey(passphrase.normalize('NFC'), salt, 32, { N, r, p, maxmem: 256 * N * r });
}

/** The profiles without any secret, as readable JSON. */
export function exportPlain(profiles: readonly Profile[]): string {
  const entries = profiles.map((profile) => ({ profile: { ...profile, hasSecret: false } }));
  return `${JSON.stringify({ format: 'ossea-profiles', version: 1, entries }, null, 2)}\n`;
}

/** The profiles with their secrets: scrypt (N 2^17, r 8, p 1), then AES-256-GCM with the header as associated data. */
export async function exportEncrypted(
  entries: readonly ExportedProfile[],
  passphrase: string,
): Promise<string> {
  const salt = randomBytes(16);
  const iv = randomBytes(12);
  const key = await keyOf(passphrase, salt, cost);
  const kdf = { name: 'scrypt', ...cost, salt: salt.toString('base64') };
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(associatedData(kdf));
  const data = Buffer.concat([cipher.update(JSON.stringify(entries), 'utf8'), cipher.final()]);
  const file = {
    format: 'ossea-profiles-encrypted',
    version: 1,
    kdf,
    cipher: {
      name: 'aes-256-gcm',
      iv: iv.toString('base64'),
      tag: cipher.getAuthTag().toString('base64'),
      data: data.toString('base64'),
    },
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * Reads either kind of file.
 * @throws OsseaError `request.invalid`: not such a file, a passphrase is needed (`field` is `passphrase`), it is wrong, or the file was altered
 */
export async function readExport(text: string, passphrase: string | undefined): Promise<ExportedProfile[]> {
  const file = AnyFile.safeParse(parseJson(text));
  if (!file.success) throw notAnExport();
  if (file.data.format === 'ossea-profiles') return file.data.entries;
  if (passphrase === undefined) {
    throw new OsseaError('request.invalid', 'The file is encrypted.', {
      field: 'passphrase',
      remedy: 'Type the passphrase that was chosen at the export.',
    });
  }
  const { kdf, cipher } = file.data;
  const key = await keyOf(passphrase, kdf.salt, kdf);
  const decipher = createDecipheriv('aes-256-gcm', key, cipher.iv, { authTagLength: 16 })
    .setAAD(
      associatedData({ name: 'scrypt', N: kdf.N, r: kdf.r, p: kdf.p, salt: kdf.salt.toString('base64') }),
    )
    .setAuthTag(cipher.tag);
  let plain: string;
  try {
    plain = Buffer.concat([decipher.update(cipher.data), decipher.final()]).toString('utf8');
  } catch {
    throw new OsseaError('request.invalid', 'The passphrase is wrong, or the file was altered.', {
      field: 'passphrase',
      remedy: 'Type the passphrase again; if it is right, export the profiles anew.',
    });
  }
  const entries = z.array(ExportedProfile).safeParse(parseJson(plain));
  if (!entries.success) throw notAnExport();
  return entries.data;
}

function associatedData(kdf: object): Buffer {
  return Buffer.from(JSON.stringify(kdf));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notAnExport(): OsseaError {
  return new OsseaError('request.invalid', 'The file is not an export of profiles.', {
    field: 'file',
    remedy: 'Choose a file that was made by Credentials → Export.',
  });
}
