import { OsseaError } from '../contract/index.ts';
import type { ByteRange } from '../disk/extent.ts';
import { errnoName } from './nbdProtocol.ts';

/** The server sent what the protocol forbids. The connection is of no more use. */
export function protocolError(detail: string): OsseaError {
  return new OsseaError('nbd.protocol', `The NBD server broke the protocol: ${detail}.`, {
    remedy: 'Check that the address is that of an NBD server, and its version.',
  });
}

/** The server answered a request with an error number. The connection goes on. */
export class NbdIoError extends OsseaError {
  readonly errno: number;
  readonly range: ByteRange;

  constructor(verb: string, range: ByteRange, errno: number, text: string) {
    super(
      'nbd.io',
      `The NBD server failed to ${verb} ${range.length} bytes at offset ${range.offset}: ${errnoName(errno)}` +
        `${text ? ` (${text})` : ''}.`,
      { remedy: 'Look into the log of the NBD server, and check the medium behind it.' },
    );
    this.errno = errno;
    this.range = range;
  }
}

export function disconnectedError(where: string, cause?: unknown): OsseaError {
  return new OsseaError('nbd.disconnected', `The connection to the NBD server at ${where} was lost.`, {
    retryable: true,
    cause,
    remedy: 'Check that the server runs and the network between holds, then try again.',
  });
}

/** The server did not let us in. `retryable` where nobody listened, which a starting server mends. */
export function refusedError(
  where: string,
  why: string,
  options: { cause?: unknown; retryable?: boolean } = {},
): OsseaError {
  return new OsseaError('nbd.refused', `The NBD server at ${where} cannot be used: ${why}.`, {
    ...options,
    remedy: 'Check the address, the export name and whether the server runs.',
  });
}

export function timeoutError(where: string, milliseconds: number): OsseaError {
  return new OsseaError(
    'nbd.timeout',
    `The NBD server at ${where} did not answer within ${milliseconds / 1000} s.`,
    { retryable: true, remedy: 'Check the load of the server and the network between.' },
  );
}

/** Whatever was thrown or given as the reason of an abort, as an error. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
