import type { TLSSocket } from 'node:tls';
import { Agent, buildConnector } from 'undici';
import { peerCertificateOf } from './certificate.ts';

export interface PinnedAgentOptions {
  /** SHA-256 of the trusted leaf certificate, 64 lower-case hex digits. */
  readonly fingerprint: string;
  /** The error for a server that shows another one. */
  readonly mismatch: (shown: string) => Error;
  readonly connectTimeoutMs?: number | undefined;
  /** How long a request may take until its answer begins, and between parts of it. Milliseconds. */
  readonly requestTimeoutMs?: number | undefined;
}

/**
 * Connections to servers that show one certain certificate. Authorities do not matter: the pin is stricter. A socket that shows
 * another one is ended before a byte of a request is written to it.
 */
export function pinnedAgent(options: PinnedAgentOptions): Agent {
  const { fingerprint, mismatch, connectTimeoutMs = 15_000, requestTimeoutMs = 300_000 } = options;
  // Sessions are not resumed: a resumed one shows no certificate.
  const open = buildConnector({ rejectUnauthorized: false, timeout: connectTimeoutMs, maxCachedSessions: 0 });
  return new Agent({
    headersTimeout: requestTimeoutMs,
    bodyTimeout: requestTimeoutMs,
    connect: (target, callback) => {
      open(target, (error, socket) => {
        if (error !== null) return callback(error, null);
        const shown = isTls(socket) ? peerCertificateOf(socket).fingerprint : 'no certificate';
        if (shown === fingerprint) return callback(null, socket);
        socket.destroy();
        callback(mismatch(shown), null);
      });
    },
  });
}

function isTls(socket: object): socket is TLSSocket {
  return 'getPeerCertificate' in socket;
}
