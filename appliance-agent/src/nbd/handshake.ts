import { protocolError, refusedError } from './nbdError.ts';
import {
  handshakeFlag,
  info,
  magic,
  maxControlBytes,
  option,
  optionErrors,
  optionReply,
  transmissionFlag,
} from './nbdProtocol.ts';

/** What the negotiation reads from and writes to. */
export interface HandshakeStream {
  /** Where the server is, for messages. */
  readonly where: string;
  /** Exactly `count` bytes. Rejects when the connection ends. */
  read(count: number): Promise<Buffer>;
  write(...parts: readonly Uint8Array[]): void;
}

/** What the server says of an export. */
export interface NbdExport {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** Several connections see each other's writes, so that one client may use many. */
  readonly multiConn: boolean;
  readonly canFlush: boolean;
  readonly canTrim: boolean;
  readonly canWriteZeros: boolean;
  /** Offsets and lengths must be multiples of this power of two, except at the end of the disk. */
  readonly minBlockBytes: number;
  readonly preferredBlockBytes: number;
  /** The longest read or write. */
  readonly maxPayloadBytes: number;
  readonly structuredReplies: boolean;
  /** The id of `base:allocation` in replies; undefined where the server cannot tell holes. */
  readonly allocationContextId: number | undefined;
}

/** Servers that do not tell take at least this much (proto.md, block size constraints). */
const defaultMaxPayloadBytes = 32 * 1024 * 1024;
const allocationContext = 'base:allocation';
/** More replies to one option than any sane server sends. */
const maxReplies = 10_000;

/**
 * Reads the greeting and answers it, fixed newstyle only. Throws `nbd.protocol` where the server is not NBD or older.
 */
export async function greet(stream: HandshakeStream): Promise<void> {
  const greeting = await stream.read(18);
  if (greeting.readBigUInt64BE(0) !== magic.init) throw protocolError('the greeting is not NBDMAGIC');
  if (greeting.readBigUInt64BE(8) !== magic.option) throw protocolError('the server speaks oldstyle NBD');
  const flags = greeting.readUInt16BE(16);
  if ((flags & handshakeFlag.fixedNewstyle) === 0) throw protocolError('the server is not fixed newstyle');
  const answer = Buffer.alloc(4);
  answer.writeUInt32BE(handshakeFlag.fixedNewstyle | (flags & handshakeFlag.noZeroes));
  stream.write(answer);
}

/** Asks for TLS. After this the stream is to be encrypted. Throws `nbd.refused`. */
export async function requestTls(stream: HandshakeStream): Promise<void> {
  const refusal = await ask(stream, option.startTls, Buffer.alloc(0), () => {});
  if (refusal) throw refusedError(stream.where, `it offers no TLS (${refusal})`);
}

/** The names of the exports. Throws `nbd.refused` where the server does not tell. */
export async function listExports(stream: HandshakeStream): Promise<string[]> {
  const names: string[] = [];
  const refusal = await ask(stream, option.list, Buffer.alloc(0), (type, data) => {
    if (type !== optionReply.server) return;
    if (data.length < 4) throw protocolError('an export in the list has no name');
    const length = data.readUInt32BE(0);
    if (length > data.length - 4) throw protocolError('an export name is longer than its reply');
    names.push(data.toString('utf8', 4, 4 + length));
  });
  if (refusal) throw refusedError(stream.where, `it does not list its exports (${refusal})`);
  return names;
}

/** Negotiates structured replies and block status, and enters the transmission phase. Throws `nbd.refused`. */
export async function enterExport(stream: HandshakeStream, exportName: string): Promise<NbdExport> {
  const structuredReplies =
    (await ask(stream, option.structuredReply, Buffer.alloc(0), () => {})) === undefined;
  const allocationContextId = structuredReplies ? await requestAllocation(stream, exportName) : undefined;

  let size: { sizeBytes: number; flags: number } | undefined;
  let blocks = { min: 1, preferred: 4096, max: defaultMaxPayloadBytes };
  const name = lengthAndText(exportName);
  const infos = Buffer.alloc(4);
  infos.writeUInt16BE(1, 0);
  infos.writeUInt16BE(info.blockSize, 2);
  const refusal = await ask(stream, option.go, Buffer.concat([name, infos]), (type, data) => {
    if (type !== optionReply.info) return;
    if (data.length < 2) throw protocolError('an information reply is empty');
    const kind = data.readUInt16BE(0);
    if (kind === info.export) size = readExportInfo(data);
    if (kind === info.blockSize) blocks = readBlockSizes(data);
  });
  if (refusal) throw refusedError(stream.where, `it does not open the export “${exportName}” (${refusal})`);
  if (!size) throw protocolError('the size of the export was not told');

  const has = (flag: number) => (size!.flags & flag) !== 0;
  return {
    sizeBytes: size.sizeBytes,
    readOnly: has(transmissionFlag.readOnly),
    multiConn: has(transmissionFlag.multiConn),
    canFlush: has(transmissionFlag.sendFlush),
    canTrim: has(transmissionFlag.sendTrim),
    canWriteZeros: has(transmissionFlag.sendWriteZeroes),
    minBlockBytes: blocks.min,
    preferredBlockBytes: blocks.preferred,
    maxPayloadBytes: blocks.max,
    structuredReplies,
    allocationContextId,
  };
}

async function requestAllocation(stream: HandshakeStream, exportName: string): Promise<number | undefined> {
  let id: number | undefined;
  const count = Buffer.alloc(4);
  count.writeUInt32BE(1);
  const query = Buffer.concat([lengthAndText(exportName), count, lengthAndText(allocationContext)]);
  await ask(stream, option.setMetaContext, query, (type, data) => {
    if (type !== optionReply.metaContext) return;
    if (data.length < 4) throw protocolError('a metadata context has no id');
    if (data.toString('utf8', 4) === allocationContext) id = data.readUInt32BE(0);
  });
  return id;
}

/** Sends an option and hands over each reply until ACK. Returns the refusal in words, or undefined. */
async function ask(
  stream: HandshakeStream,
  number: number,
  data: Buffer,
  onReply: (type: number, data: Buffer) => void,
): Promise<string | undefined> {
  const header = Buffer.alloc(16);
  header.writeBigUInt64BE(magic.option, 0);
  header.writeUInt32BE(number, 8);
  header.writeUInt32BE(data.length, 12);
  stream.write(header, data);
  for (let replies = 0; replies < maxReplies; replies++) {
    const head = await stream.read(20);
    if (head.readBigUInt64BE(0) !== magic.optionReply) throw protocolError('an option reply has no magic');
    if (head.readUInt32BE(8) !== number) throw protocolError('an option reply answers another option');
    const type = head.readUInt32BE(12);
    const length = head.readUInt32BE(16);
    if (length > maxControlBytes) throw protocolError(`an option reply of ${length} bytes`);
    const body = await stream.read(length);
    if (type === optionReply.ack) return undefined;
    if (type >= optionReply.error) {
      const text = body.toString('utf8').trim().slice(0, 300);
      return text || (optionErrors[type] ?? `refusal ${type - optionReply.error}`);
    }
    onReply(type, body);
  }
  throw protocolError(`more than ${maxReplies} replies to one option`);
}

function readExportInfo(data: Buffer): { sizeBytes: number; flags: number } {
  if (data.length < 12) throw protocolError('the export information is too short');
  const size = data.readBigUInt64BE(2);
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw protocolError(`an export of ${size} bytes`);
  return { sizeBytes: Number(size), flags: data.readUInt16BE(10) };
}

function readBlockSizes(data: Buffer): { min: number; preferred: number; max: number } {
  if (data.length < 14) throw protocolError('the block sizes are too short');
  const [min, preferred, max] = [data.readUInt32BE(2), data.readUInt32BE(6), data.readUInt32BE(10)];
  const powerOfTwo = min > 0 && Number.isInteger(Math.log2(min));
  if (!powerOfTwo || min > 65_536 || max < min) {
    throw protocolError(`impossible block sizes ${min}, ${preferred}, ${max}`);
  }
  // 0xffffffff stands for “no limit but the size of the export”.
  return { min, preferred, max: Math.min(max - (max % min), defaultMaxPayloadBytes) };
}

function lengthAndText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
