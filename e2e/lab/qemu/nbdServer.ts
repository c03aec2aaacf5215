import { once } from 'node:events';
import net from 'node:net';

/** Bytes that somebody else keeps. Synchronous, so that each request takes effect at one instant. */
export interface ByteStore {
  readonly sizeBytes: number;
  read(offset: number, into: Uint8Array): void;
  write(offset: number, data: Uint8Array): void;
  /** Zeros from now on; the space may be given back. */
  discard(offset: number, length: number): void;
}

// The NBD protocol, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
const initMagic = 0x4e42444d41474943n;
const optionMagic = 0x49484156454f5054n;
const optionReplyMagic = 0x3e889045565a9n;
const requestMagic = 0x25609513;
const replyMagic = 0x67446698;
const handshakeFlags = { fixedNewstyle: 1, noZeroes: 2 };
const option = { exportName: 1, abort: 2, info: 6, go: 7 };
const reply = { ack: 1, info: 3, unsupported: 0x80000001 };
const infoExport = 0;
/** HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES */
const transmissionFlags = 1 | 4 | 8 | 32 | 64;
const command = { read: 0, write: 1, disconnect: 2, flush: 3, trim: 4, writeZeroes: 6 };
const errorNumber = { io: 5, invalid: 22 };
const largestRequest = 64 << 20;

/**
 * An NBD server (fixed newstyle, simple replies) for one export on a Unix socket, as qemu wants it for a disk. What a request
 * writes is in the store before it is answered, so a flush has nothing to do.
 */
export class NbdServer implements AsyncDisposable {
  readonly socketPath: string;
  readonly #store: ByteStore;
  readonly #server = net.createServer((socket) => this.#serve(socket));
  readonly #connections = new Set<net.Socket>();
  #cut = false;

  private constructor(socketPath: string, store: ByteStore) {
    this.socketPath = socketPath;
    this.#store = store;
  }

  static async listen(socketPath: string, store: ByteStore): Promise<NbdServer> {
    const server = new NbdServer(socketPath, store);
    server.#server.listen(socketPath);
    await once(server.#server, 'listening');
    return server;
  }

  /** From this moment on nothing is read or written any more. */
  cut(): void {
    this.#cut = true;
    for (const connection of this.#connections) connection.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: net.Socket): void {
    if (this.#cut) {
      socket.destroy();
      return;
    }
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    this.#converse(socket).catch(() => socket.destroy());
  }

  async #converse(socket: net.Socket): Promise<void> {
    const hello = Buffer.alloc(18);
    hello.writeBigUInt64BE(initMagic, 0);
    hello.writeBigUInt64BE(optionMagic, 8);
    hello.writeUInt16BE(handshakeFlags.fixedNewstyle | handshakeFlags.noZeroes, 16);
    socket.write(hello);
    const pieces = new Pieces(socket);
    const clientFlags = (await pieces.take(4)).readUInt32BE(0);
    if (await this.#negotiate(socket, pieces, (clientFlags & handshakeFlags.noZeroes) !== 0))
      await this.#transmit(socket, pieces);
    socket.end();
  }

  /** Answers whether requests follow. */
  async #negotiate(socket: net.Socket, pieces: Pieces, withoutZeroes: boolean): Promise<boolean> {
    for (;;) {
      const head = await pieces.take(16);
      if (head.readBigUInt64BE(0) !== optionMagic) throw new Error('no option');
      const asked = head.readUInt32BE(8);
      await pieces.take(head.readUInt32BE(12));
      switch (asked) {
        case option.exportName: {
          const answer = Buffer.alloc(withoutZeroes ? 10 : 134);
          answer.writeBigUInt64BE(BigInt(this.#store.sizeBytes), 0);
          answer.writeUInt16BE(transmissionFlags, 8);
          socket.write(answer);
          return true;
        }
        case option.go:
        case option.info: {
          const info = Buffer.alloc(12);
          info.writeUInt16BE(infoExport, 0);
          info.writeBigUInt64BE(BigInt(this.#store.sizeBytes), 2);
          info.writeUInt16BE(transmissionFlags, 10);
          sendOptionReply(socket, asked, reply.info, info);
          sendOptionReply(socket, asked, reply.ack);
          if (asked === option.go) return true;
          break;
        }
        case option.abort:
          sendOptionReply(socket, asked, reply.ack);
          return false;
        default:
          sendOptionReply(socket, asked, reply.unsupported);
      }
    }
  }

  async #transmit(socket: net.Socket, pieces: Pieces): Promise<void> {
    for (;;) {
      const head = await pieces.take(28);
      if (head.readUInt32BE(0) !== requestMagic) throw new Error('no request');
      const type = head.readUInt16BE(6);
      const offset = Number(head.readBigUInt64BE(16));
      const length = head.readUInt32BE(24);
      if (type === command.disconnect) return;
      if ((type === command.read || type === command.write) && length > largestRequest) {
        throw new Error(`a request of ${length} bytes`);
      }
      const data = type === command.write ? await pieces.take(length) : undefined;
      if (this.#cut) return;
      const { error, content } = this.#carryOut(type, offset, length, data);
      const answer = Buffer.alloc(16);
      answer.writeUInt32BE(replyMagic, 0);
      answer.writeUInt32BE(error, 4);
      head.copy(answer, 8, 8, 16);
      socket.write(content === undefined ? answer : Buffer.concat([answer, content]));
    }
  }

  #carryOut(
    type: number,
    offset: number,
    length: number,
    data: Buffer | undefined,
  ): { error: number; content?: Buffer } {
    if (type === command.flush) return { error: 0 };
    if (offset + length > this.#store.sizeBytes) return { error: errorNumber.invalid };
    try {
      switch (type) {
        case command.read: {
          const content = Buffer.alloc(length);
          this.#store.read(offset, content);
          return { error: 0, content };
        }
        case command.write:
          this.#store.write(offset, data ?? Buffer.alloc(0));
          return { error: 0 };
        case command.trim:
        case command.writeZeroes:
          this.#store.discard(offset, length);
          return { error: 0 };
        default:
          return { error: errorNumber.invalid };
      }
    } catch {
      return { error: errorNumber.io };
    }
  }
}

function sendOptionReply(socket: net.Socket, asked: number, type: number, data = Buffer.alloc(0)): void {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(optionReplyMagic, 0);
  head.writeUInt32BE(asked, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  socket.write(Buffer.concat([head, data]));
}

/** A stream's bytes in pieces of wanted lengths. */
class Pieces {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: net.Socket) {
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  /** @throws Error when the stream ends before */
  async take(length: number): Promise<Buffer> {
    const parts = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const { done, value } = await this.#chunks.next();
      if (done === true) throw new Error('the client went away');
      parts.push(value);
      have += value.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts, have);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }
}
