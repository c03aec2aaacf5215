import { TLSSocket } from 'node:tls';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { OsseaError } from '../contract/index.ts';

/** Requests in flight at most; CloudStack's default throttle is 25 calls a second. */
const connections = 8;

/**
 * The connections to one CloudStack: TLS checked against the pinned certificate, or by the system's authorities.
 * @throws OsseaError config.invalid for an address that is not https and not of this machine
 */
export function createDispatcher(options: {
  readonly url: string;
  readonly fingerprint?: string | undefined;
  readonly allowPlainHttp?: boolean | undefined;
}): Dispatcher {
  const url = new URL(options.url);
  if (url.protocol !== 'https:' && !isLoopback(url.hostname) && !options.allowPlainHttp) {
    throw new OsseaError('config.invalid', `The address ${options.url} of CloudStack is not encrypted.`, {
      field: 'target.url',
      value: options.url,
      remedy: 'Use its https address, or allow plain http explicitly where nobody can listen.',
    });
  }
  if (options.fingerprint === undefined || url.protocol !== 'https:') return new Agent({ connections });
  return new Agent({ connections, connect: pinnedConnector(url.host, options.fingerprint) });
}

/** The pin takes the place of authorities and names. It is checked before the first byte of a request is sent. */
function pinnedConnector(host: string, fingerprint: string): buildConnector.connector {
  // A resumed session may come without the certificate, so none is kept.
  const connect = buildConnector({ rejectUnauthorized: false, maxCachedSessions: 0 });
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error) {
        callback(error, null);
        return;
      }
      const shown =
        socket instanceof TLSSocket
          ? socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase()
          : undefined;
      if (shown === fingerprint) {
        callback(null, socket);
        return;
      }
      socket.destroy();
      callback(certificateChanged(host, fingerprint, shown), null);
    });
}

function certificateChanged(host: string, pinned: string, shown: string | undefined): OsseaError {
  return new OsseaError(
    'cloudstack.certificate-changed',
    `CloudStack at ${host} shows the certificate ${shown ?? 'none'}, not the trusted ${pinned}. Nothing was sent.`,
    {
      remedy:
        'Ask who runs CloudStack whether the certificate was renewed. If so, confirm the new fingerprint in the target’s settings; if not, someone may stand in between.',
      field: 'target.fingerprint',
      value: shown,
    },
  );
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}
