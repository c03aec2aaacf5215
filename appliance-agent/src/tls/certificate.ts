import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import { type Certificate, OsseaError } from '../contract/index.ts';

const probeTimeoutMs = 15_000;

/** SHA-256 of a certificate in DER form as 64 lower-case hex digits. */
export function fingerprintOf(certificate: Pick<PeerCertificate, 'fingerprint256'>): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

function describe(certificate: PeerCertificate | DetailedPeerCertificate): Certificate {
  const name = ({ CN, O }: { CN?: string | string[]; O?: string | string[] }) =>
    [CN, O]
      .flat()
      .filter((part) => part !== undefined && part !== '')
      .join(', ');
  return {
    fingerprint: fingerprintOf(certificate),
    thumbprint: certificate.fingerprint,
    subject: name(certificate.subject),
    issuer: name(certificate.issuer),
    validFrom: new Date(certificate.valid_from).toISOString(),
    validTo: new Date(certificate.valid_to).toISOString(),
  };
}

/** The leaf certificate of a connection that is up. */
export function peerCertificateOf(socket: TLSSocket): Certificate {
  return describe(socket.getPeerCertificate());
}

/**
 * The certificate that a server shows now; nothing is sent to it.
 * @throws OsseaError `vsphere.unreachable`
 */
export async function probeCertificate(url: string): Promise<Certificate> {
  const { hostname, port, host } = new URL(url);
  const name = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: name,
      port: port === '' ? 443 : Number(port),
      rejectUnauthorized: false,
      ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
    });
    socket.setTimeout(probeTimeoutMs, () => socket.destroy(new Error('it did not answer in time')));
    socket.once('secureConnect', () => {
      resolve(peerCertificateOf(socket));
      socket.destroy();
    });
    socket.once('error', (error) => {
      reject(
        new OsseaError('vsphere.unreachable', `${host} cannot be reached: ${whyNot(error)}.`, {
          field: 'url',
          value: url,
          remedy:
            'See that the address is right, that its name can be resolved from the appliance, and that port 443 is open.',
          retryable: true,
          cause: error,
        }),
      );
    });
  });
}

/** OpenSSL's own texts tell where in its code they come from, and nothing to whom they are shown. */
function whyNot(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  if (!code.startsWith('ERR_SSL_') && code !== 'EPROTO') return error.message;
  const reason = 'reason' in error ? String(error.reason) : code;
  return `it answers, but not by TLS as HTTPS does (${reason})`;
}
