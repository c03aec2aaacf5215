import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { describeAddress, type NbdAddress } from './nbdAddress.ts';
import { asError, disconnectedError, refusedError } from './nbdError.ts';

/** Takes the bytes of a stream where it wants them: the socket reads straight into `buffer()`. */
export interface Receiver {
  /** The place for the next bytes; never empty. */
  buffer(): Uint8Array;
  /** The first `count` bytes of the last `buffer()` are filled. May throw; then the connection is dropped. */
  received(count: number): void;
}

/** How to trust the server after STARTTLS. Without `ca` and `fingerprint` the system's authorities decide. */
export interface NbdTls {
  /** Authorities, PEM. */
  readonly ca?: string | undefined;
  /** SHA-256 of the leaf certificate, 64 lower-case hex digits; trusted whoever signed it. */
  readonly fingerprint?: string | undefined;
  /** The name that the certificate must carry. Default: the host of the address. */
  readonly serverName?: string | undefined;
}

/**
 * A stream socket whose bytes land in buffers of the receiver's choice. Node's `onread` with a buffer *function* lets
 * the kernel write into the caller's chunk, which saves the copy (and the 64 KiB allocation per read) that `data`
 * events cost. TLS decrypts into buffers of its own, so there the bytes are copied once.
 */
export class NbdSocket {
  readonly where: string;
  #socket: net.Socket | tls.TLSSocket;
  #receiver: Receiver | undefined;
  #given: { receiver: Receiver; buffer: Uint8Array } | undefined;
  readonly #ahead: Buffer[] = [];
  #closed: Error | undefined;
  #onClosed: ((error: Error) => void) | undefined;
  readonly #onData = (chunk: Buffer) => this.#feed(chunk);

  private constructor(address: NbdAddress, direct: boolean) {
    this.where = describeAddress(address);
    const onread = {
      buffer: () => this.#nextBuffer(),
      callback: (count: number, buffer: Uint8Array) => this.#landed(count, buffer),
    };
    const place =
      address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
    this.#socket = net.connect({ ...place, noDelay: true, keepAlive: true, ...(direct && { onread }) });
    this.#listen(this.#socket, direct);
  }

  /** Connects. With `direct: false` the socket can be upgraded to TLS. Throws `nbd.refused`. */
  static async connect(address: NbdAddress, direct: boolean, signal: AbortSignal): Promise<NbdSocket> {
    const socket = new NbdSocket(address, direct);
    try {
      await once(socket.#socket, 'connect', { signal });
    } catch (error) {
      socket.destroy();
      if (signal.aborted) throw signal.reason;
      throw refusedError(socket.where, `connecting failed (${asError(error).message})`, {
        cause: error,
        retryable: true,
      });
    }
    return socket;
  }

  /** Goes on encrypted, and checks the server's certificate. Throws `nbd.refused`. */
  async upgrade(options: NbdTls, host: string | undefined, signal: AbortSignal): Promise<void> {
    const plain = this.#socket;
    plain.removeListener('data', this.#onData);
    const name = options.serverName ?? host;
    const encrypted = tls.connect({
      socket: plain,
      ...(options.ca !== undefined && { ca: options.ca }),
      ...(name !== undefined && net.isIP(name) === 0 && { servername: name }),
      // A pinned certificate is compared below, before a byte is sent.
      rejectUnauthorized: options.fingerprint === undefined,
      ...(name !== undefined && {
        checkServerIdentity: (_host: string, certificate: tls.PeerCertificate) =>
          tls.checkServerIdentity(name, certificate),
      }),
    });
    this.#socket = encrypted;
    try {
      await once(encrypted, 'secureConnect', { signal });
    } catch (error) {
      encrypted.destroy();
      if (signal.aborted) throw signal.reason;
      throw refusedError(this.where, `TLS failed (${asError(error).message})`, { cause: error });
    }
    const found = createHash('sha256').update(encrypted.getPeerCertificate().raw).digest('hex');
    if (options.fingerprint !== undefined && found !== options.fingerprint) {
      encrypted.destroy();
      throw refusedError(this.where, `its certificate is ${found}, not the trusted ${options.fingerprint}`);
    }
    this.#listen(encrypted, false);
  }

  /** Bytes go to `receiver` from now on; those that came before are handed over first. */
  receive(receiver: Receiver, onClosed: (error: Error) => void): void {
    this.#receiver = receiver;
    this.#onClosed = onClosed;
    for (const chunk of this.#ahead.splice(0)) this.#feed(chunk);
    if (this.#closed) onClosed(this.#closed);
  }

  write(...parts: readonly Uint8Array[]): void {
    if (this.#closed) return;
    if (parts.length > 1) this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    if (parts.length > 1) this.#socket.uncork();
  }

  /** Sends what is written, then closes. Resolves when the socket is gone. */
  async end(last: Uint8Array): Promise<void> {
    if (this.#closed) return;
    const gone = once(this.#socket, 'close');
    this.#socket.end(last);
    const impatience = setTimeout(() => this.#socket.destroy(), 500);
    await gone.catch(() => {});
    clearTimeout(impatience);
  }

  /** Closes at once. No buffer that was given to the kernel is written to after this. */
  destroy(error: Error = disconnectedError(this.where)): void {
    this.#socket.destroy();
    this.#close(error);
  }

  #listen(socket: net.Socket, direct: boolean): void {
    // A plain socket under TLS goes on telling; only the outermost one counts.
    const outermost = () => socket === this.#socket;
    socket.on('error', (error) => outermost() && this.#close(disconnectedError(this.where, error)));
    socket.on('end', () => outermost() && this.destroy());
    socket.on('close', () => outermost() && this.#close(disconnectedError(this.where)));
    if (!direct) socket.on('data', this.#onData);
  }

  #close(error: Error): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#onClosed?.(error);
  }

  #nextBuffer(): Uint8Array {
    const receiver = this.#receiver;
    if (!receiver) return Buffer.allocUnsafe(4096);
    const buffer = receiver.buffer();
    this.#given = { receiver, buffer };
    return buffer;
  }

  /** Called with the buffer of the last `#nextBuffer`, which an earlier receiver (or none) may have given. */
  #landed(count: number, buffer: Uint8Array): boolean {
    if (this.#closed) return false;
    const given = this.#given;
    if (given === undefined || given.buffer !== buffer || given.receiver !== this.#receiver) {
      this.#feed(Buffer.from(buffer.subarray(0, count)));
      return true;
    }
    try {
      given.receiver.received(count);
    } catch (error) {
      this.destroy(asError(error));
    }
    return !this.#closed;
  }

  #feed(chunk: Buffer): void {
    const receiver = this.#receiver;
    if (!receiver) {
      this.#ahead.push(chunk);
      return;
    }
    let rest: Uint8Array = chunk;
    try {
      while (rest.length > 0 && !this.#closed) {
        const buffer = receiver.buffer();
        const count = Math.min(buffer.length, rest.length);
        buffer.set(rest.subarray(0, count));
        rest = rest.subarray(count);
        receiver.received(count);
      }
    } catch (error) {
      this.destroy(asError(error));
    }
  }
}
