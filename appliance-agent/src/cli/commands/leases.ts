import type { Credentials, LeaseState, PutLease } from '../../contract/index.ts';
import { OsseaError } from '../../contract/index.ts';
import { parseDuration } from '../quantities.ts';
import { obtainSecret, readSecretFile } from '../secretInput.ts';

/** Options of every command that lends credentials. */
export interface LeaseOptions {
  readonly ttl?: string;
  readonly sealed?: boolean;
}

/** The request for a lease out of the options. */
export function leaseRequest(credentials: Credentials, options: LeaseOptions): PutLease {
  return {
    credentials,
    sealed: options.sealed ?? false,
    ...(options.ttl !== undefined && { ttlSeconds: parseDuration('--ttl', options.ttl) }),
  };
}

/** A vCenter account: the name from the command line, the password from a file or asked. */
export async function vsphereCredentials(options: {
  readonly username: string;
  readonly passwordFile?: string;
}): Promise<Credentials> {
  const password = await obtainSecret(
    '--password-file',
    options.passwordFile,
    `Password of ${options.username}:`,
  );
  return { kind: 'vsphere', username: options.username, password };
}

/** A pair of CloudStack keys: two lines of a file, or asked. */
export async function cloudStackCredentials(keysFile: string | undefined): Promise<Credentials> {
  if (keysFile === undefined) {
    const apiKey = await obtainSecret('--keys-file', undefined, 'API key:');
    return {
      kind: 'cloudstack',
      apiKey,
      secretKey: await obtainSecret('--keys-file', undefined, 'Secret key:'),
    };
  }
  const lines = (await readSecretFile('--keys-file', keysFile)).split(/\r?\n/).map((line) => line.trim());
  const [apiKey, secretKey] = lines;
  if (apiKey && secretKey && lines.length === 2) return { kind: 'cloudstack', apiKey, secretKey };
  throw new OsseaError('request.invalid', `The file ${keysFile} of --keys-file does not hold two lines.`, {
    field: '--keys-file',
    value: keysFile,
    remedy: 'Write the API key into the first line and the secret key into the second.',
  });
}

/** `memory until 2026-…`. */
export function showLease(lease: LeaseState): string {
  if (lease.kind === 'none') return 'none';
  return lease.expiresAt === undefined ? lease.kind : `${lease.kind} until ${lease.expiresAt}`;
}
