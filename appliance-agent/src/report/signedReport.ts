import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import { FailoverReport, OsseaError, SignedReport } from '../contract/index.ts';
import { publicPem } from './reportKey.ts';

/** Signs a report; the same report and key give the same bytes. */
export function signReport(report: FailoverReport, key: KeyObject): SignedReport {
  const content = canonicalize(FailoverReport.parse(report));
  if (content === undefined) throw new TypeError('A report cannot be written as JSON');
  return {
    content,
    algorithm: 'Ed25519',
    publicKey: publicPem(key),
    signature: sign(null, Buffer.from(content), key).toString('base64'),
  };
}

/** SHA-256 of a public key's SPKI in DER form, lower-case hex: what people compare. */
export function keyFingerprint(publicKeyPem: string): string {
  const der = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

export interface VerifiedReport {
  readonly report: FailoverReport;
  readonly fingerprint: string;
  /** True where the key was compared with one that the reader knows, and not just with what the report itself brings. */
  readonly keyTrusted: boolean;
}

/**
 * Proves that a report is as the agent signed it.
 * @param text the JSON of a `SignedReport`
 * @param expectedFingerprint of the key that the reader trusts
 * @throws OsseaError `report.invalid`
 */
export function verifyReport(text: string, expectedFingerprint?: string): VerifiedReport {
  const signed = parse(text, SignedReport, 'It is not a signed report');
  const fingerprint = fingerprintOf(signed);
  if (expectedFingerprint !== undefined && expectedFingerprint !== fingerprint) {
    throw invalid(`It was signed by the key ${fingerprint}, not by ${expectedFingerprint}`);
  }
  const isSigned = verify(
    null,
    Buffer.from(signed.content),
    createPublicKey(signed.publicKey),
    Buffer.from(signed.signature, 'base64'),
  );
  if (!isSigned) throw invalid('The signature does not fit the content: one of them was changed');
  const report = parse(signed.content, FailoverReport, 'Its content is not a report that this version knows');
  return { report, fingerprint, keyTrusted: expectedFingerprint !== undefined };
}

function fingerprintOf({ publicKey }: SignedReport): string {
  try {
    if (createPublicKey(publicKey).asymmetricKeyType === 'ed25519') return keyFingerprint(publicKey);
  } catch {
    // Told below.
  }
  throw invalid('Its public key is not an Ed25519 key');
}

function parse<T>(
  text: string,
  schema: { safeParse(value: unknown): { data?: T | undefined } },
  what: string,
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(`${what}: it is not JSON`);
  }
  const { data } = schema.safeParse(value);
  if (data === undefined) throw invalid(what);
  return data;
}

function invalid(why: string): OsseaError {
  return new OsseaError('report.invalid', `${why}.`, {
    remedy:
      'Get the report from the agent again, and compare the fingerprint of its key with: ossea-agent report key',
  });
}
