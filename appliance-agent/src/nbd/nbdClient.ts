import type { ByteRange, Extent } from '../disk/extent.ts';
import type { NbdExport } from './handshake.ts';
import { NbdConnection, type NbdConnectionOptions } from './nbdConnection.ts';
import { commandFlagNoHole, maxRequestBytes } from './nbdProtocol.ts';

export type { NbdExport } from './handshake.ts';
export type { NbdTls } from './nbdSocket.ts';

export interface NbdClientOptions extends NbdConnectionOptions {
  /**
   * At most so many connections, where that is safe: the server says so (multi-conn), or the export is read-only, so
   * that there are no writes that one connection could miss. Default 1.
   */
  readonly connections?: number | undefined;
}

/**
 * An export of an NBD server, over one or several connections. Requests may be of any size and alignment: they are
 * split and widened to what the server takes. Throws `nbd.io` for a failed request, and other `nbd.*` errors when a
 * connection is gone; a client that lost one is of no more use.
 */
export class NbdClient implements AsyncDisposable {
  readonly export: NbdExport;
  readonly #connections: readonly NbdConnection[];

  private constructor(connections: readonly [NbdConnection, ...NbdConnection[]]) {
    this.#connections = connections;
    this.export = connections[0].export;
  }

  /** Throws `nbd.refused`, `nbd.protocol`, `nbd.timeout`, or the signal's reason. */
  static async connect(options: NbdClientOptions, signal?: AbortSignal): Promise<NbdClient> {
    const first = await NbdConnection.open(options, signal);
    const many = first.export.multiConn || first.export.readOnly;
    const more = many ? (options.connections ?? 1) - 1 : 0;
    const others = await Promise.allSettled(
      Array.from({ length: more }, () => NbdConnection.open(options, signal)),
    );
    // A server may limit the number of its clients; one connection is enough to work.
    const opened = others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : []));
    const client = new NbdClient([first, ...opened]);
    if (signal?.aborted) {
      client.destroy();
      throw signal.reason;
    }
    return client;
  }

  /** The names of the exports that the server offers. */
  static list(options: NbdConnectionOptions, signal?: AbortSignal): Promise<string[]> {
    return NbdConnection.list(options, signal);
  }

  get connections(): number {
    return this.#connections.length;
  }

  /** Why the client is of no more use; undefined while every connection works. */
  get lost(): Error | undefined {
    return this.#connections.find((connection) => connection.lost)?.lost;
  }

  /** Fills `into` from `offset`. Any offset and length within the export. */
  async read(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { minBlockBytes: block, maxPayloadBytes, sizeBytes } = this.export;
    checkRange(offset, into.length, sizeBytes);
    const end = offset + into.length;
    const aligned = offset % block === 0 && (end % block === 0 || end === sizeBytes);
    if (aligned && into.length <= maxPayloadBytes) return this.#readAligned(offset, into, signal);
    const pieces: Promise<void>[] = [];
    for (const piece of split({ offset, length: into.length }, block, maxPayloadBytes)) {
      const part = into.subarray(piece.offset - offset, piece.offset - offset + piece.length);
      const whole =
        piece.offset % block === 0 &&
        (piece.length % block === 0 || piece.offset + piece.length === sizeBytes);
      pieces.push(
        whole ? this.#readAligned(piece.offset, part, signal) : this.#readWithin(piece, part, signal),
      );
    }
    // Every piece has settled before the caller may use the buffer for something else.
    await allSettled(pieces);
  }

  /** The extents of `range`, in order and without gaps; one `data` extent where the server cannot tell. */
  async *extents(range: ByteRange, signal?: AbortSignal): AsyncIterable<Extent> {
    const end = range.offset + range.length;
    let offset = range.offset;
    while (offset < end) {
      for (const extent of await this.blockStatus({ offset, length: end - offset }, signal)) {
        yield extent;
        offset = extent.offset + extent.length;
      }
    }
  }

  /** The first extents of `range`, adjoining: what the server tells in one answer, which may be less than the range. */
  async blockStatus(range: ByteRange, signal?: AbortSignal): Promise<readonly Extent[]> {
    const { minBlockBytes: block, sizeBytes, allocationContextId } = this.export;
    checkRange(range.offset, range.length, sizeBytes);
    if (range.length === 0) return [];
    if (allocationContextId === undefined) return [{ ...range, kind: 'data' }];
    const end = range.offset + range.length;
    const from = range.offset - (range.offset % block);
    const most = maxRequestBytes - (maxRequestBytes % block);
    const to = Math.min(from + most, roundUp(end, block), sizeBytes);
    const told = await this.#idlest().blockStatus(from, to - from, signal);
    return told.flatMap(({ offset, length, kind }) => {
      const start = Math.max(offset, range.offset);
      const stop = Math.min(offset + length, end);
      return stop > start ? [{ offset: start, length: stop - start, kind }] : [];
    });
  }

  /** Writes all of `data`. Offset and length must be multiples of the server's smallest block. */
  async write(offset: number, data: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { minBlockBytes, maxPayloadBytes, sizeBytes } = this.export;
    checkRange(offset, data.length, sizeBytes);
    const pieces = [...split({ offset, length: data.length }, minBlockBytes, maxPayloadBytes)];
    await allSettled(
      pieces.map((piece) => {
        const start = piece.offset - offset;
        return this.#idlest().write(piece.offset, data.subarray(start, start + piece.length), signal);
      }),
    );
  }

  /** Makes the range read as zeros; `allocate` keeps space reserved for it. Aligned like a write. */
  async writeZeros(
    range: ByteRange,
    options: { allocate?: boolean; signal?: AbortSignal } = {},
  ): Promise<void> {
    checkRange(range.offset, range.length, this.export.sizeBytes);
    const flags = options.allocate ? commandFlagNoHole : 0;
    for (const { offset, length } of split(range, this.export.minBlockBytes, maxRequestBytes)) {
      await this.#idlest().writeZeros(offset, length, flags, options.signal);
    }
  }

  /** Tells the server that the range is not needed; what it reads as afterwards is open. Aligned like a write. */
  async trim(range: ByteRange, signal?: AbortSignal): Promise<void> {
    checkRange(range.offset, range.length, this.export.sizeBytes);
    for (const { offset, length } of split(range, this.export.minBlockBytes, maxRequestBytes)) {
      await this.#idlest().trim(offset, length, signal);
    }
  }

  /** What was written before is safe after; on a multi-conn server one flush serves all connections. */
  async flush(signal?: AbortSignal): Promise<void> {
    await this.#idlest().flush(signal);
  }

  /** Says goodbye on every connection. Pending requests reject with `nbd.disconnected`. */
  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  /** Drops every connection at once; pending requests reject. */
  destroy(error?: Error): void {
    for (const connection of this.#connections) connection.destroy(error);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #readAligned(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    return this.#idlest().read(offset, into, signal);
  }

  /** Reads the whole blocks around a piece and takes the piece out of them. */
  async #readWithin(piece: ByteRange, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { minBlockBytes: block, sizeBytes } = this.export;
    const from = piece.offset - (piece.offset % block);
    const to = Math.min(roundUp(piece.offset + piece.length, block), sizeBytes);
    const around = Buffer.allocUnsafe(to - from);
    await this.#readAligned(from, around, signal);
    into.set(around.subarray(piece.offset - from, piece.offset - from + piece.length));
  }

  #idlest(): NbdConnection {
    let best = this.#connections[0]!;
    for (const connection of this.#connections) {
      if (connection.lost) return connection;
      if (connection.inFlight < best.inFlight) best = connection;
    }
    return best;
  }
}

/** Pieces that begin and end at multiples of `block` (but for the ends of the range), none longer than `most` with its blocks. */
function* split(range: ByteRange, block: number, most: number): Iterable<ByteRange> {
  const end = range.offset + range.length;
  const step = Math.max(block, most - (most % block));
  let offset = range.offset;
  while (offset < end) {
    const from = offset - (offset % block);
    const stop = Math.min(from + step, end);
    const whole = stop - (stop % block);
    // An unaligned head or tail is a piece of its own, so that only these few bytes are read twice.
    const cut = offset !== from ? Math.min(from + block, end) : whole > offset ? whole : stop;
    yield { offset, length: cut - offset };
    offset = cut;
  }
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function checkRange(offset: number, length: number, sizeBytes: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > sizeBytes) {
    throw new RangeError(
      `${length} bytes at offset ${offset} lie outside of the export of ${sizeBytes} bytes`,
    );
  }
}

/** Like `Promise.all`, but waits for all of them before it rejects with the first failure. */
async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
