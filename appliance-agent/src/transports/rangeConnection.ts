import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { isIP, type OnReadOpts } from 'node:net';
import tls from 'node:tls';
import { OsseaError } from '../contract/index.ts';

/** What goes wrong on the way; the request may be repeated on another connection. */
export class RangeConnectionError extends Error {
  override readonly name = 'RangeConnectionError';
  /** True where the server kept silent too long. */
  readonly timedOut: boolean;

  constructor(message: string, options: { timedOut?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.timedOut = options.timedOut ?? false;
  }
}

export interface RangeServer {
  /** `https://host[:port]`. */
  readonly origin: string;
  /** SHA-256 of the trusted leaf certificate, 64 lower-case hex digits. */
  readonly fingerprint: string;
}

export interface RangeRequest {
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly offset: number;
  /** Filled wholly where the reply is 206. */
  readonly into: Uint8Array;
  /** The longest silence before or between bytes. */
  readonly stallTimeoutMs: number;
  /** The longest for the whole reply. */
  readonly requestTimeoutMs: number;
  readonly signal: AbortSignal;
}

export interface RangeReply {
  readonly status: number;
  /** Size of the whole file, from Content-Range. */
  readonly totalBytes: number | undefined;
}

interface Exchange {
  readonly request: RangeRequest;
  readonly resolve: (reply: RangeReply) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
  reply: RangeReply | undefined;
}

/** Longer heads than this are not from a web server that we know. */
const maxHeadBytes = 65_536;

/**
 * One keep-alive HTTPS connection that fetches one byte range after another. It is this narrow for speed: decrypted
 * bytes land in the caller's buffer, where the general clients allocate, slice and copy for every 16 KiB (measured:
 * 1.6 times the rate of undici for less than half of its CPU seconds). Anything but a 206 with a length or in chunks
 * ends the connection.
 */
export class RangeConnection {
  readonly #socket: tls.TLSSocket;
  readonly #host: string;
  readonly #scratch = Buffer.allocUnsafe(16_384);
  #exchange: Exchange | undefined;
  #head = '';
  /** What the next bytes are. `data` goes to the buffer of the request. */
  #phase: 'head' | 'data' | 'chunk-size' | 'trailer' = 'head';
  #line = '';
  #chunked = false;
  #closing = false;
  /** Bytes of the request that have landed, and where the current run of data ends. */
  #filled = 0;
  #runEnd = 0;
  /** True while the kernel side holds a piece of the request's buffer. */
  #lent = false;
  #closed: Error | undefined;

  private constructor(server: RangeServer) {
    const url = new URL(server.origin);
    const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
    this.#host = url.host;
    const options: tls.ConnectionOptions & { onread: OnReadOpts } = {
      host: hostname,
      port: url.port ? Number(url.port) : 443,
      ...(isIP(hostname) === 0 && { servername: hostname }),
      ALPNProtocols: ['http/1.1'],
      // The certificate is pinned: it is compared below, before a byte is sent.
      rejectUnauthorized: false,
      onread: {
        buffer: () => this.#nextBuffer(),
        callback: (count: number, buffer: Uint8Array) => this.#landed(count, buffer),
      },
    };
    this.#socket = tls.connect(options);
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) =>
      this.#fail(new RangeConnectionError(`the connection failed (${error.message})`, { cause: error })),
    );
    this.#socket.on('end', () => this.destroy());
    this.#socket.on('close', () => this.#fail(new RangeConnectionError('the connection was closed')));
  }

  /** Throws `vsphere.certificate-changed`, a `RangeConnectionError`, or the signal's reason. */
  static async open(server: RangeServer, timeoutMs: number, signal: AbortSignal): Promise<RangeConnection> {
    const connection = new RangeConnection(server);
    const socket = connection.#socket;
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.any([signal, deadline]) });
    } catch (error) {
      connection.destroy();
      signal.throwIfAborted();
      if (deadline.aborted) {
        throw new RangeConnectionError(`no connection within ${timeoutMs / 1000} s`, { timedOut: true });
      }
      const text = error instanceof Error ? error.message : String(error);
      throw new RangeConnectionError(`connecting failed (${text})`, { cause: error });
    }
    const found = createHash('sha256').update(socket.getPeerCertificate().raw).digest('hex');
    if (found !== server.fingerprint) {
      connection.destroy();
      throw new OsseaError(
        'vsphere.certificate-changed',
        `${server.origin} shows the certificate ${found}, not the trusted ${server.fingerprint}.`,
        { remedy: 'Find out why it changed. If that was meant, trust the new certificate on the source.' },
      );
    }
    return connection;
  }

  /** True when another range can be fetched with it. */
  get isUsable(): boolean {
    return this.#closed === undefined && !this.#closing && this.#exchange === undefined;
  }

  /** One at a time. Rejects with a `RangeConnectionError` or the signal's reason. */
  async fetch(request: RangeRequest): Promise<RangeReply> {
    const { signal } = request;
    signal.throwIfAborted();
    if (this.#closed) throw this.#closed;
    const { promise, resolve, reject } = Promise.withResolvers<RangeReply>();
    this.#exchange = {
      request,
      resolve,
      reject,
      deadline: performance.now() + request.requestTimeoutMs,
      reply: undefined,
    };
    this.#phase = 'head';
    this.#head = '';
    this.#filled = 0;
    // The connection goes with an abort: its answer would land in a buffer that the caller uses for something else.
    const onAbort = () => this.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#socket.setTimeout(request.stallTimeoutMs, () => this.#timeOut(request.stallTimeoutMs));
    const last = request.offset + request.into.length - 1;
    const headers = { host: this.#host, range: `bytes=${request.offset}-${last}`, ...request.headers };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.write(`GET ${request.path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    try {
      return await promise;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#socket.setTimeout(0);
      this.#socket.removeAllListeners('timeout');
    }
  }

  /** Closes at once; nothing lands in any buffer after this. */
  destroy(): void {
    this.#socket.destroy();
    this.#fail(new RangeConnectionError('the connection was closed'));
  }

  #timeOut(milliseconds: number): void {
    this.#socket.destroy();
    this.#fail(new RangeConnectionError(`no data for ${milliseconds / 1000} s`, { timedOut: true }));
  }

  #fail(error: Error): void {
    this.#closed ??= error;
    this.#exchange?.reject(error);
    this.#exchange = undefined;
  }

  #nextBuffer(): Uint8Array {
    const exchange = this.#exchange;
    this.#lent = exchange !== undefined && this.#phase === 'data';
    return exchange && this.#lent
      ? exchange.request.into.subarray(this.#filled, this.#runEnd)
      : this.#scratch;
  }

  #landed(count: number, buffer: Uint8Array): boolean {
    if (this.#closed) return false;
    try {
      if (this.#lent && buffer !== this.#scratch) this.#advance(count);
      else this.#take(buffer.subarray(0, count));
      if (this.#exchange && performance.now() > this.#exchange.deadline) {
        this.#timeOut(this.#exchange.request.requestTimeoutMs);
      }
    } catch (error) {
      this.#socket.destroy();
      this.#fail(error instanceof Error ? error : new RangeConnectionError(String(error)));
    }
    return this.#closed === undefined;
  }

  /** Bytes that came into the scratch buffer: heads, chunk sizes, and what of the body came along with them. */
  #take(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const exchange = this.#exchange;
      if (!exchange) throw new RangeConnectionError('the server sent what nobody asked for');
      if (this.#phase === 'data') {
        const count = Math.min(rest.length, this.#runEnd - this.#filled);
        exchange.request.into.set(rest.subarray(0, count), this.#filled);
        rest = rest.subarray(count);
        this.#advance(count);
      } else if (this.#phase === 'head') {
        rest = this.#takeHead(exchange, rest);
      } else {
        rest = this.#takeLine(rest);
      }
    }
  }

  #takeHead(exchange: Exchange, bytes: Uint8Array): Uint8Array {
    const before = this.#head.length;
    this.#head += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#head.length > maxHeadBytes) throw new RangeConnectionError('an endless reply head');
      return bytes.subarray(bytes.length);
    }
    const head = parseHead(this.#head.slice(0, end));
    this.#closing = head.close;
    const reply = { status: head.status, totalBytes: head.range?.totalBytes };
    exchange.reply = reply;
    if (head.status !== 206) {
      exchange.resolve(reply);
      this.#exchange = undefined;
      this.destroy();
      return bytes.subarray(bytes.length);
    }
    const { request } = exchange;
    if (head.range?.offset !== request.offset) {
      throw new RangeConnectionError('the server answered with another range than the one asked for');
    }
    this.#chunked = head.chunked;
    if (head.chunked) {
      this.#phase = 'chunk-size';
      this.#line = '';
    } else {
      if (head.length !== request.into.length) {
        throw new RangeConnectionError(
          `the server answered with ${head.length ?? 'an unknown number of'} bytes instead of ${request.into.length}`,
        );
      }
      this.#startRun(head.length);
    }
    return bytes.subarray(end + 4 - before);
  }

  /** A chunk's size, the empty line after a chunk, or a trailer line. */
  #takeLine(bytes: Uint8Array): Uint8Array {
    const end = bytes.indexOf(0x0a);
    this.#line += Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString('latin1');
    if (this.#line.length > 1024) throw new RangeConnectionError('an endless line in a chunked reply');
    if (end < 0) return bytes.subarray(bytes.length);
    const line = this.#line.trim();
    this.#line = '';
    if (this.#phase === 'trailer') {
      if (line === '') this.#finish();
    } else if (line !== '') {
      const size = /^[0-9a-f]{1,8}/i.exec(line)?.[0];
      if (size === undefined) throw new RangeConnectionError('a malformed chunk size');
      if (Number.parseInt(size, 16) === 0) this.#phase = 'trailer';
      else this.#startRun(Number.parseInt(size, 16));
    }
    return bytes.subarray(end + 1);
  }

  #startRun(length: number): void {
    this.#runEnd = this.#filled + length;
    if (this.#runEnd > (this.#exchange?.request.into.length ?? 0)) {
      throw new RangeConnectionError('the server sent more bytes than were asked for');
    }
    this.#phase = 'data';
  }

  #advance(count: number): void {
    this.#filled += count;
    if (this.#filled < this.#runEnd) return;
    if (this.#chunked) this.#phase = 'chunk-size';
    else this.#finish();
  }

  #finish(): void {
    const exchange = this.#exchange;
    if (!exchange?.reply) return;
    if (this.#filled !== exchange.request.into.length) {
      throw new RangeConnectionError(
        `the reply ended after ${this.#filled} of ${exchange.request.into.length} bytes`,
      );
    }
    this.#phase = 'head';
    this.#exchange = undefined;
    exchange.resolve(exchange.reply);
    if (this.#closing) this.destroy();
  }
}

interface Head {
  readonly status: number;
  readonly length: number | undefined;
  readonly chunked: boolean;
  /** True where the server will close the connection after this reply. */
  readonly close: boolean;
  readonly range: { readonly offset: number; readonly totalBytes: number | undefined } | undefined;
}

/** Reads status line and headers of an HTTP/1.x reply (RFC 9112). */
function parseHead(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.([01]) (\d{3})/.exec(statusLine);
  if (!status) throw new RangeConnectionError('the server does not speak HTTP/1.1');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const connection = headers.get('connection')?.toLowerCase() ?? '';
  const length = headers.get('content-length');
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  return {
    status: Number(status[2]),
    length: length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined,
    chunked: /\bchunked\b/i.test(headers.get('transfer-encoding') ?? ''),
    close: connection.includes('close') || (status[1] === '0' && !connection.includes('keep-alive')),
    range: range
      ? { offset: Number(range[1]), totalBytes: range[2] === '*' ? undefined : Number(range[2]) }
      : undefined,
  };
}
