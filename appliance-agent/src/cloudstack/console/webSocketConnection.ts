import { WebSocket } from 'ws';
import type { RfbConnection } from './rfbClient.ts';

/** Over this much unread, the server is told to wait by TCP. */
const pauseAtBytes = 4 * 1024 ** 2;

/** No message of a console is larger than a whole screen. */
const largestMessageBytes = 40 * 1024 ** 2;

/** The bytes of a WebSocket's binary messages as a stream that is read in exact portions. */
export class WebSocketConnection implements RfbConnection, AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #chunks: Buffer[] = [];
  #unread = 0;
  #arrived = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<never>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#chunks.push(data);
      this.#unread += data.length;
      if (this.#unread > pauseAtBytes) socket.pause();
      this.#arrived.resolve();
    });
    // Seen by whoever reads; nobody may be reading when it ends.
    this.#ended.promise.catch(() => {});
    socket.on('error', (error) => this.#close(error));
    socket.on('close', () => this.#close(new Error('the console closed the connection')));
  }

  /** @throws Error when the connection is refused or broken off, or the signal's reason */
  static async open(url: string, signal: AbortSignal): Promise<WebSocketConnection> {
    // CloudStack's proxy always answers with this protocol, so that it must be asked for.
    const socket = new WebSocket(url, ['binary'], {
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: largestMessageBytes,
    });
    const connection = new WebSocketConnection(socket);
    signal.addEventListener('abort', () => connection.#close(signal.reason), { once: true });
    const opened = Promise.withResolvers<void>();
    socket.on('open', opened.resolve);
    await Promise.race([opened.promise, connection.#ended.promise]);
    return connection;
  }

  async read(length: number): Promise<Buffer> {
    while (this.#unread < length) {
      this.#socket.resume();
      this.#arrived = Promise.withResolvers<void>();
      await Promise.race([this.#arrived.promise, this.#ended.promise]);
    }
    return this.#take(length);
  }

  send(bytes: Buffer): void {
    this.#socket.send(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
  }

  #take(length: number): Buffer {
    this.#unread -= length;
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const parts: Buffer[] = [];
    for (let left = length; left > 0; ) {
      const chunk = this.#chunks.shift() ?? Buffer.alloc(0);
      const part = chunk.subarray(0, left);
      if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length));
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  #close(reason: Error): void {
    this.#ended.reject(reason);
    this.#socket.terminate();
  }
}
