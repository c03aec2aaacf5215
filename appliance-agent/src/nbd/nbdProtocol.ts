/** Numbers of the NBD protocol (doc/proto.md of the NBD project), only those that this client uses. */

export const magic = {
  /** `NBDMAGIC`, first word of the server. */
  init: 0x4e42444d41474943n,
  /** `IHAVEOPT`, second word, and the first of each option. */
  option: 0x49484156454f5054n,
  optionReply: 0x3e889045565a9n,
  request: 0x25609513,
  simpleReply: 0x67446698,
  structuredReply: 0x668e33ef,
} as const;

export const handshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const option = { list: 3, startTls: 5, go: 7, structuredReply: 8, setMetaContext: 10 } as const;

export const optionReply = { ack: 1, server: 2, info: 3, metaContext: 4, error: 0x80000000 } as const;

/** Refusals of an option, in words that complete “the server answered: …”. */
export const optionErrors: Readonly<Record<number, string>> = {
  2147483649: 'unsupported option',
  2147483650: 'refused by policy',
  2147483651: 'invalid option',
  2147483652: 'not supported on this platform',
  2147483653: 'TLS is required',
  2147483654: 'no such export',
  2147483655: 'the server is shutting down',
  2147483656: 'the server requires negotiated block sizes',
  2147483657: 'the option is too big',
};

export const info = { export: 0, blockSize: 3 } as const;

export const transmissionFlag = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendFua: 1 << 3,
  sendTrim: 1 << 5,
  sendWriteZeroes: 1 << 6,
  multiConn: 1 << 8,
} as const;

export const command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  writeZeroes: 6,
  blockStatus: 7,
} as const;
export type Command = (typeof command)[keyof typeof command];

/** Flag of a zero write: the range must stay allocated. */
export const commandFlagNoHole = 1 << 1;

export const chunkFlagDone = 1;

export const chunk = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  error: 0x8001,
  errorOffset: 0x8002,
} as const;
export const chunkErrorBit = 0x8000;

/** State bits of the `base:allocation` context. */
export const allocation = { hole: 1, zero: 2 } as const;

export const requestHeaderBytes = 28;
export const simpleHeaderBytes = 16;
export const structuredHeaderBytes = 20;

/** The longest option reply, error text or block status that we accept; larger ones are an attack or a broken stream. */
export const maxControlBytes = 16 * 1024 * 1024;

/**
 * The longest request without a payload. A length is a 32-bit number, but nbdkit (1.32) dies on an assertion when it has to tell
 * one extent of 4 GiB or more within a block status of `0xffff_ffff` bytes.
 */
export const maxRequestBytes = 1024 ** 3;

const errnoNames: Readonly<Record<number, string>> = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
  108: 'ESHUTDOWN',
};

/** The name of an error number as the protocol defines them, such as `EIO`. */
export function errnoName(errno: number): string {
  return errnoNames[errno] ?? `error ${errno}`;
}

/** The server is going away: the same request may succeed on a new connection. */
export const errnoShutdown = 108;

/** The head of a transmission request; write payload follows it. `cookie` is a 32-bit number. */
export function encodeRequest(
  type: Command,
  flags: number,
  cookie: number,
  offset: number,
  length: number,
): Buffer {
  const header = Buffer.allocUnsafe(requestHeaderBytes);
  header.writeUInt32BE(magic.request, 0);
  header.writeUInt16BE(flags, 4);
  header.writeUInt16BE(type, 6);
  header.writeUInt32BE(0, 8);
  header.writeUInt32BE(cookie, 12);
  header.writeUInt32BE(Math.floor(offset / 2 ** 32), 16);
  header.writeUInt32BE(offset % 2 ** 32, 20);
  header.writeUInt32BE(length, 24);
  return header;
}
