import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ServerCertificate {
  /** PEM. */
  key: string;
  cert: string;
  /** SHA-256 of the certificate in DER form: 64 lower-case hex digits. */
  fingerprint: string;
}

/**
 * Makes a self-signed certificate for 127.0.0.1 and localhost.
 * @throws Error when openssl is missing
 */
export async function makeCertificate(commonName: string): Promise<ServerCertificate> {
  const { stdout } = await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'],
    ...['-subj', `/CN=${commonName}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-keyout', '-', '-out', '-'],
  ]);
  const block = (label: string): string => {
    const found = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n`).exec(stdout);
    if (found === null) throw new Error(`openssl printed no ${label}`);
    return found[0];
  };
  const cert = block('CERTIFICATE');
  const fingerprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
  return { key: block('PRIVATE KEY'), cert, fingerprint };
}
