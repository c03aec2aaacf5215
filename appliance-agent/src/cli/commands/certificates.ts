import { type Certificate, OsseaError } from '../../contract/index.ts';
import { fields } from '../output.ts';
import { confirm } from '../secretInput.ts';
import type { CommandContext } from '../shell.ts';

/** Options of every command that pins a certificate. */
export interface TrustOptions {
  readonly fingerprint?: string;
  readonly trust?: boolean;
}

/** `ab12…` of whatever form people paste: colons and capitals are fine. */
export function normaliseFingerprint(text: string): string {
  return text.replaceAll(':', '').toLowerCase();
}

export function describeCertificate(certificate: Certificate): string {
  return fields([
    ['Subject', certificate.subject],
    ['Issuer', certificate.issuer],
    ['Valid', `${certificate.validFrom} to ${certificate.validTo}`],
    ['SHA-256', certificate.fingerprint],
    ['SHA-1', certificate.thumbprint],
  ]);
}

/**
 * The fingerprint to pin: the one given; else the one that the server shows now, after a person (or `--trust`) said yes.
 * @throws OsseaError `vsphere.certificate-untrusted` when it was not confirmed.
 */
export async function trustedFingerprint(
  { client, output }: CommandContext,
  url: string,
  options: TrustOptions,
): Promise<string> {
  if (options.fingerprint !== undefined) return normaliseFingerprint(options.fingerprint);
  const certificate = await client.call('probeCertificate', { body: { url } });
  output.remark(describeCertificate(certificate));
  if (
    options.trust ||
    (process.stdin.isTTY && (await confirm(`Trust this certificate of ${url}?`, '--trust')))
  ) {
    return certificate.fingerprint;
  }
  throw new OsseaError(
    'vsphere.certificate-untrusted',
    `The certificate of ${url} with the SHA-256 fingerprint ${certificate.fingerprint} is not trusted yet.`,
    {
      field: '--fingerprint',
      value: certificate.fingerprint,
      remedy: `Compare it with the server's, then give --fingerprint ${certificate.fingerprint}.`,
    },
  );
}
