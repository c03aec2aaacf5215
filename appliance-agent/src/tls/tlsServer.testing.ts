import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureVersion } from 'node:tls';

/** A key with a certificate of its own, in PEM. */
export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
  /** As OpenSSL reads it. */
  readonly x509: X509Certificate;
  /** SHA-256, 64 lower-case hex digits. */
  readonly fingerprint: string;
}

/** Makes a certificate by openssl. @param subject such as `/O=Example/CN=vcenter.example` */
export function makeCertificate(subject: string): TestCertificate {
  const pem = execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '30', '-subj', subject, '-keyout', '-', '-out', '-'],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const cert = pem.slice(pem.indexOf('-----BEGIN CERTIFICATE'));
  const x509 = new X509Certificate(cert);
  const fingerprint = x509.fingerprint256.replaceAll(':', '').toLowerCase();
  return { key: pem.slice(0, pem.indexOf('-----BEGIN CERTIFICATE')), cert, x509, fingerprint };
}

export interface TestTlsServer extends AsyncDisposable {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string;
  /** Requests that came through, of which no byte should where the certificate is refused. */
  readonly requests: number;
  /** TLS connections that took up an earlier session. */
  readonly resumed: number;
  /** Another certificate from the next connection on. */
  present(certificate: TestCertificate): void;
}

/** Serves HTTPS on loopback; each request is answered `well` unless a listener says otherwise. */
export async function serveTls(
  certificate: TestCertificate,
  options: {
    readonly host?: string;
    readonly maxVersion?: SecureVersion;
    readonly answer?: RequestListener;
  } = {},
): Promise<TestTlsServer> {
  const { host = '127.0.0.1', maxVersion = 'TLSv1.3', answer } = options;
  let requests = 0;
  let resumed = 0;
  const { key, cert } = certificate;
  const server = createServer({ key, cert, maxVersion }, (request, response) => {
    requests += 1;
    if (answer) answer(request, response);
    else response.end('well');
  });
  server.on('secureConnection', (socket) => {
    if (socket.isSessionReused()) resumed += 1;
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    get requests() {
      return requests;
    },
    get resumed() {
      return resumed;
    },
    present: (other) => server.setSecureContext({ key: other.key, cert: other.cert, maxVersion }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
