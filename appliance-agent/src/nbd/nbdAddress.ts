import { OsseaError } from '../contract/index.ts';

/** Where an NBD server listens. */
export type NbdAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** An export on a server. The empty name is the server's default export. */
export interface NbdTarget {
  readonly address: NbdAddress;
  readonly exportName: string;
  /** True for `nbds:` URIs: the client must upgrade to TLS. */
  readonly tls: boolean;
}

/** The port that IANA gave to NBD. */
const defaultPort = 10809;

/**
 * Reads an NBD URI: `nbd://host[:port]/export`, `nbds://…`, `nbd+unix:///export?socket=/path`, `nbds+unix://…`
 * (doc/uri.md of the NBD project). Throws `request.invalid` for anything else.
 */
export function parseNbdUri(text: string): NbdTarget {
  const invalid = (why: string) =>
    new OsseaError('request.invalid', `“${text}” is not an NBD address: ${why}.`, {
      field: 'uri',
      value: text,
      remedy: 'Give nbd://host[:port]/export or nbd+unix:///export?socket=/path.',
    });
  if (!URL.canParse(text)) throw invalid('it is not a URI');
  const url = new URL(text);
  const scheme = /^(nbds?)(\+unix)?:$/.exec(url.protocol);
  if (!scheme) throw invalid(`the scheme is ${url.protocol}`);
  let exportName: string;
  try {
    exportName = decodeURIComponent(url.pathname.replace(/^\//, ''));
  } catch {
    throw invalid('the export name has a broken percent escape');
  }
  const tls = scheme[1] === 'nbds';
  if (scheme[2]) {
    const path = url.searchParams.get('socket');
    if (!path) throw invalid('the socket parameter is missing');
    return { address: { kind: 'unix', path }, exportName, tls };
  }
  if (!url.hostname) throw invalid('the host is missing');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    address: { kind: 'tcp', host, port: url.port ? Number(url.port) : defaultPort },
    exportName,
    tls,
  };
}

/** The address in words, for messages. */
export function describeAddress(address: NbdAddress): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
}
