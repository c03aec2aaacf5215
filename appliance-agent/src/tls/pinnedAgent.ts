import type { TLSSocket } from 'node:tls';
import { Agent, buildConnector } from 'undici';
import { peerCertificateOf } from './certificate.ts';

/** Which leaf certificate is trusted. */
export type Pin =
  /** SHA-256, 64 lower-case hex digits. */
  | { readonly fingerprint: string }
  /** SHA-1 as `AA:BB:…`, where a server that is trusted itself tells of another no more than that. */
  | { readonly thumbprint: string };

export interface PinnedAgentOptions {
  readonly pin: Pin;
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
  const { pin, mismatch, connectTimeoutMs = 15_000, requestTimeoutMs = 300_000 } = options;
  // Sessions are not resumed: a resumed one shows no certificate.
  const open = buildConnector({ rejectUnauthorized: false, timeout: connectTimeoutMs, maxCachedSessions: 0 });
  return new Agent({
    headersTimeout: requestTimeoutMs,
    bodyTimeout: requestTimeoutMs,
    connect: (target, callback) => {
      open(target, (error, socket) => {
        if (error !== null) return callback(error, null);
        const shown = isTls(socket) ? shownBy(socket, pin) : 'no certificate';
        if (shown === trustedBy(pin)) return callback(null, socket);
        socket.destroy();
        callback(mismatch(shown), null);
      });
    },
  });
}

function shownBy(socket: TLSSocket, pin: Pin): string {
  const certificate = peerCertificateOf(socket);
  return 'fingerprint' in pin ? certificate.fingerprint : certificate.thumbprint;
}

function trustedBy(pin: Pin): string {
  return 'fingerprint' in pin ? pin.fingerprint : pin.thumbprint;
}

function isTls(socket: object): socket is TLSSocket {
  return 'getPeerCertificate' in socket;
}
