import { Agent, type Dispatcher } from 'undici';
import { OsseaError } from '../contract/index.ts';

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
  return new Agent({ connections: 8 });
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}
