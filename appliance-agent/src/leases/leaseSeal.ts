import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OsseaError } from '../contract/index.ts';

const keyLength = 32;
const nonceLength = 12;
const tagLength = 16;

/** Seals secrets with AES-256-GCM under a key that lies in a file of its own, outside the database. */
export class LeaseSeal {
  readonly #key: Buffer;

  private constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * Opens the key file (mode 0600), and makes it where it is missing.
   * @throws OsseaError `config.invalid` when others may read the file or it has another length.
   */
  static async open(keyFile: string): Promise<LeaseSeal> {
    return new LeaseSeal((await readKey(keyFile)) ?? (await makeKey(keyFile)));
  }

  /** Nonce, ciphertext and tag, joined. `context` is authenticated and must be the same when it is opened. */
  seal(secret: Uint8Array, context: string): Buffer {
    const nonce = randomBytes(nonceLength);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context));
    return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  }

  /** The secret, or undefined where the key or the context is another one or the bytes were changed. */
  unseal(sealed: Uint8Array, context: string): Buffer | undefined {
    if (sealed.length < nonceLength + tagLength) return undefined;
    const tagStart = sealed.length - tagLength;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, nonceLength))
      .setAAD(Buffer.from(context))
      .setAuthTag(sealed.subarray(tagStart));
    const secret = decipher.update(sealed.subarray(nonceLength, tagStart));
    try {
      return Buffer.concat([secret, decipher.final()]);
    } catch {
      return undefined;
    } finally {
      secret.fill(0);
    }
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function readKey(keyFile: string): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(keyFile, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new OsseaError('config.invalid', `The key of sealed leases, ${keyFile}, may be read by others.`, {
        field: keyFile,
        value: (mode & 0o777).toString(8),
        remedy: `Run chmod 600 ${keyFile}, and lend the sealed credentials again if others had access.`,
      });
    }
    const key = await file.readFile();
    if (key.length !== keyLength) {
      throw new OsseaError(
        'config.invalid',
        `The key of sealed leases, ${keyFile}, has ${key.length} bytes in place of ${keyLength}.`,
        { field: keyFile, remedy: 'Restore the file, or remove it and lend the sealed credentials again.' },
      );
    }
    return key;
  } finally {
    await file.close();
  }
}

/** Appears whole and flushed, or not at all; of two makers at a time one wins and both use its key. */
async function makeKey(keyFile: string): Promise<Buffer> {
  await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
  const key = randomBytes(keyLength);
  const draft = `${keyFile}.${randomUUID()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(key);
    await file.sync();
    await link(draft, keyFile);
    return key;
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const present = await readKey(keyFile);
    if (!present) throw error;
    return present;
  } finally {
    await file.close();
    await unlink(draft);
  }
}
