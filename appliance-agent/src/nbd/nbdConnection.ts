import type { Extent } from '../disk/extent.ts';
import { Coverage } from './coverage.ts';
import { ExactReader } from './exactReader.ts';
import {
  enterExport,
  greet,
  type HandshakeStream,
  listExports,
  type NbdExport,
  requestTls,
} from './handshake.ts';
import type { NbdAddress } from './nbdAddress.ts';
import { asError, disconnectedError, protocolError, timeoutError } from './nbdError.ts';
import { type Command, command, encodeRequest } from './nbdProtocol.ts';
import { NbdSocket, type NbdTls } from './nbdSocket.ts';
import { type PendingRequest, ReplyReader } from './replyReader.ts';

export interface NbdConnectionOptions {
  readonly address: NbdAddress;
  /** Default: the empty name, the server's default export. */
  readonly exportName?: string | undefined;
  /** Set to require TLS. */
  readonly tls?: NbdTls | undefined;
  /** From connecting to the end of the negotiation. Default 30 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** The longest silence of the server while it owes an answer. Default 30 s. */
  readonly stallTimeoutMs?: number | undefined;
  /** The longest that one request may take even while others are answered. Default 120 s. */
  readonly requestTimeoutMs?: number | undefined;
}

/** How long an aborted read may go on landing before the connection is dropped. */
const landingPatienceMs = 250;

/** How long the server gets to finish its answers when we leave. */
const leavePatienceMs = 1000;

interface Submission {
  readonly type: Command;
  readonly verb: string;
  readonly flags?: number | undefined;
  readonly offset: number;
  readonly length: number;
  readonly into?: Uint8Array | undefined;
  readonly payload?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One connection in the transmission phase. Requests are sent as they come, answered in any order. What fails here has
 * an `nbd.*` code; after anything but `nbd.io` the connection is gone and every pending request was rejected.
 */
export class NbdConnection {
  readonly export: NbdExport;
  readonly #socket: NbdSocket;
  readonly #reader: ReplyReader;
  readonly #stallTimeoutMs: number;
  readonly #requestTimeoutMs: number;
  #cookie = 0;
  #heardAt = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #lost: Error | undefined;
  #leaving: Error | undefined;
  #onLost: (() => void) | undefined;

  private constructor(socket: NbdSocket, info: NbdExport, options: NbdConnectionOptions) {
    this.#socket = socket;
    this.export = info;
    this.#stallTimeoutMs = options.stallTimeoutMs ?? 30_000;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 120_000;
    this.#reader = new ReplyReader({
      structured: info.structuredReplies,
      allocationContextId: info.allocationContextId,
    });
    const reader = this.#reader;
    socket.receive(
      {
        buffer: () => reader.buffer(),
        received: (count) => {
          this.#heardAt = performance.now();
          reader.received(count);
        },
      },
      (error) => this.#fail(error),
    );
  }

  /** Connects and enters the export. Throws `nbd.refused`, `nbd.protocol`, `nbd.timeout` or the signal's reason. */
  static open(options: NbdConnectionOptions, signal?: AbortSignal): Promise<NbdConnection> {
    return negotiate(options, signal, async (socket, stream, reader) => {
      const info = await enterExport(stream, options.exportName ?? '');
      if (reader.surplusBytes > 0) throw protocolError('data before the first request');
      return new NbdConnection(socket, info, options);
    });
  }

  /** The export names that the server lists. Throws like `open`. */
  static list(options: NbdConnectionOptions, signal?: AbortSignal): Promise<string[]> {
    return negotiate(options, signal, async (socket, stream) => {
      const names = await listExports(stream);
      socket.destroy();
      return names;
    });
  }

  /** Why the connection is gone; undefined while it works. */
  get lost(): Error | undefined {
    return this.#lost ?? this.#leaving;
  }

  /** Requests that are not answered yet. */
  get inFlight(): number {
    return this.#reader.pending.size;
  }

  async read(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#submit({ type: command.read, verb: 'read', offset, length: into.length, into, signal });
  }

  async write(offset: number, payload: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#submit({
      type: command.write,
      verb: 'write',
      offset,
      length: payload.length,
      payload,
      signal,
    });
  }

  /** The extents from `offset` on, in order: at least one, perhaps not the whole range. */
  async blockStatus(offset: number, length: number, signal?: AbortSignal): Promise<readonly Extent[]> {
    const request = await this.#submit({
      type: command.blockStatus,
      verb: 'tell the block status of',
      offset,
      length,
      signal,
    });
    return request.extents;
  }

  async trim(offset: number, length: number, signal?: AbortSignal): Promise<void> {
    await this.#submit({ type: command.trim, verb: 'trim', offset, length, signal });
  }

  async writeZeros(offset: number, length: number, flags: number, signal?: AbortSignal): Promise<void> {
    await this.#submit({ type: command.writeZeroes, verb: 'zero', flags, offset, length, signal });
  }

  async flush(signal?: AbortSignal): Promise<void> {
    await this.#submit({ type: command.flush, verb: 'flush', offset: 0, length: 0, signal });
  }

  /**
   * Rejects pending requests, lets the server finish their answers for a moment, says goodbye and closes. A server may
   * not outlive a client that goes in the midst of answers: nbdkit 1.32 aborts (`raw_send_socket: Assertion`).
   */
  async close(): Promise<void> {
    if (this.#lost || this.#leaving) return;
    this.#leaving = disconnectedError(this.#socket.where);
    const pending = [...this.#reader.pending.values()];
    if (pending.length > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#reader.onIdle = resolve;
        this.#onLost = resolve;
      });
      for (const request of pending) this.#abandon(request, this.#leaving);
      const patience = setTimeout(() => this.destroy(), leavePatienceMs);
      await idle;
      clearTimeout(patience);
    }
    if (!this.#lost) await this.#socket.end(encodeRequest(command.disconnect, 0, 0, 0, 0));
    this.destroy();
  }

  /** Drops the connection: pending requests reject with `error`, and none of their buffers is written to any more. */
  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  #submit(submission: Submission): Promise<PendingRequest> {
    const { type, verb, offset, length, into, payload, signal } = submission;
    if (this.lost) return Promise.reject(this.lost);
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#abandon(request, signal?.reason);
      const request: PendingRequest = {
        type,
        verb,
        offset,
        length,
        into,
        coverage: new Coverage(type === command.read ? length : 0),
        extents: [],
        error: undefined,
        abandoned: undefined,
        startedAt: performance.now(),
        settle: (error) => {
          signal?.removeEventListener('abort', onAbort);
          if (error) reject(error);
          else resolve(request);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const pending = this.#reader.pending;
      do this.#cookie = (this.#cookie + 1) >>> 0;
      while (pending.has(this.#cookie));
      if (pending.size === 0) this.#heardAt = request.startedAt;
      pending.set(this.#cookie, request);
      const header = encodeRequest(type, submission.flags ?? 0, this.#cookie, offset, length);
      if (payload) this.#socket.write(header, payload);
      else this.#socket.write(header);
      this.#watch();
    });
  }

  /**
   * Nobody waits any more: the answer will be thrown away. Where the kernel already fills the buffer, the rejection
   * waits until that part has landed, or the connection is dropped, so that the caller may use the buffer again.
   */
  #abandon(request: PendingRequest, reason: unknown): void {
    const error = asError(reason);
    if (!this.#reader.isLanding(request)) {
      request.into = undefined;
      request.settle(error);
      return;
    }
    request.abandoned = error;
    setTimeout(() => {
      if (!this.#reader.isLanding(request)) return;
      request.settle(error);
      this.destroy();
    }, landingPatienceMs);
  }

  /** One timer for all requests: the oldest is the first in the map. */
  #watch(): void {
    if (this.#watchdog || this.#lost) return;
    const tick = Math.min(this.#stallTimeoutMs, this.#requestTimeoutMs) / 4;
    this.#watchdog = setTimeout(() => {
      this.#watchdog = undefined;
      const [oldest] = this.#reader.pending.values();
      if (!oldest) return;
      const now = performance.now();
      if (now - this.#heardAt > this.#stallTimeoutMs) {
        this.destroy(timeoutError(this.#socket.where, this.#stallTimeoutMs));
      } else if (now - oldest.startedAt > this.#requestTimeoutMs) {
        this.destroy(timeoutError(this.#socket.where, this.#requestTimeoutMs));
      }
      this.#watch();
    }, tick);
  }

  #fail(error: Error): void {
    this.#lost ??= error;
    clearTimeout(this.#watchdog);
    this.#watchdog = undefined;
    const pending = [...this.#reader.pending.values()];
    this.#reader.pending.clear();
    for (const request of pending) request.settle(request.abandoned ?? this.#lost);
    this.#onLost?.();
  }
}

/** Connects, greets, encrypts where asked, and lets `finish` go on; whatever goes wrong, the socket is closed. */
async function negotiate<T>(
  options: NbdConnectionOptions,
  signal: AbortSignal | undefined,
  finish: (socket: NbdSocket, stream: HandshakeStream, reader: ExactReader) => Promise<T>,
): Promise<T> {
  const { address, tls } = options;
  const limitMs = options.connectTimeoutMs ?? 30_000;
  const deadline = AbortSignal.timeout(limitMs);
  const both = signal ? AbortSignal.any([signal, deadline]) : deadline;
  let socket: NbdSocket | undefined;
  try {
    socket = await NbdSocket.connect(address, tls === undefined, both);
    const connected = socket;
    const reader = new ExactReader();
    connected.receive(reader, (error) => reader.fail(error));
    both.addEventListener('abort', () => reader.fail(asError(both.reason)), { once: true });
    const stream: HandshakeStream = {
      where: connected.where,
      read: (count) => reader.read(count),
      write: (...parts) => connected.write(...parts),
    };
    await greet(stream);
    if (tls) {
      await requestTls(stream);
      if (reader.surplusBytes > 0) throw protocolError('plain data after the start of TLS');
      await connected.upgrade(tls, address.kind === 'tcp' ? address.host : undefined, both);
    }
    return await finish(connected, stream, reader);
  } catch (error) {
    socket?.destroy();
    if (signal?.aborted) throw signal.reason;
    if (deadline.aborted) {
      const where = socket?.where ?? (address.kind === 'unix' ? address.path : address.host);
      throw timeoutError(where, limitMs);
    }
    throw error;
  }
}
