import type { Extent } from '../disk/extent.ts';
import type { Coverage } from './coverage.ts';
import { NbdIoError, protocolError } from './nbdError.ts';
import {
  allocation,
  type Command,
  chunk,
  chunkErrorBit,
  chunkFlagDone,
  command,
  magic,
  maxControlBytes,
  simpleHeaderBytes,
} from './nbdProtocol.ts';
import type { Receiver } from './nbdSocket.ts';

/** A request that the server has not wholly answered. */
export interface PendingRequest {
  readonly type: Command;
  /** What it does, for messages: `read`, `write`, … */
  readonly verb: string;
  readonly offset: number;
  readonly length: number;
  /** Where a read lands; undefined once nobody waits for it, so that its bytes are thrown away. */
  into: Uint8Array | undefined;
  /** Which bytes of a structured read have come. */
  readonly coverage: Coverage;
  readonly extents: Extent[];
  error: NbdIoError | undefined;
  /** Set when nobody waits any more though the kernel fills `into` just now: told once that part has landed. */
  abandoned: Error | undefined;
  readonly startedAt: number;
  settle(error: Error | undefined): void;
}

/**
 * Reads the replies of the transmission phase. It always asks for exactly the bytes of the next part, so that payload
 * is read by the kernel straight into the buffer of the request that it answers.
 */
export class ReplyReader implements Receiver {
  readonly pending = new Map<number, PendingRequest>();
  /** Called when the last pending request was answered. */
  onIdle: (() => void) | undefined;
  readonly #allocationContextId: number | undefined;
  readonly #structured: boolean;
  readonly #header = Buffer.alloc(28);
  /** Where bytes of abandoned reads go. */
  readonly #waste = Buffer.alloc(65_536);
  /** The part that is being read: its place, how much of it is filled, and what follows when it is full. */
  #part: Uint8Array;
  #filled = 0;
  #next: () => void;
  /** The read whose payload is coming in. */
  #landing: PendingRequest | undefined;

  constructor(options: { structured: boolean; allocationContextId: number | undefined }) {
    this.#structured = options.structured;
    this.#allocationContextId = options.allocationContextId;
    this.#part = this.#header.subarray(0, simpleHeaderBytes);
    this.#next = () => this.#readHead();
  }

  /** True while the kernel may write into the buffer of this request. */
  isLanding(request: PendingRequest): boolean {
    return this.#landing === request;
  }

  buffer(): Uint8Array {
    return this.#filled === 0 ? this.#part : this.#part.subarray(this.#filled);
  }

  received(count: number): void {
    this.#filled += count;
    if (this.#filled === this.#part.length) this.#next();
  }

  #expect(part: Uint8Array, next: () => void): void {
    this.#filled = 0;
    this.#part = part;
    this.#next = next;
    if (part.length === 0) next();
  }

  #expectHeader(): void {
    this.#expect(this.#header.subarray(0, simpleHeaderBytes), () => this.#readHead());
  }

  #readHead(): void {
    const word = this.#header.readUInt32BE(0);
    if (word === magic.simpleReply) this.#readSimple();
    else if (word === magic.structuredReply) this.#readStructured();
    else throw protocolError(`a reply begins with ${word.toString(16).padStart(8, '0')}`);
  }

  #readSimple(): void {
    const errno = this.#header.readUInt32BE(4);
    const [cookie, request] = this.#request();
    if (this.#structured && (request.type === command.read || request.type === command.blockStatus)) {
      throw protocolError(`a simple reply to a ${request.verb} though structured replies were agreed`);
    }
    if (errno !== 0) {
      this.#finish(cookie, request, new NbdIoError(request.verb, request, errno, ''));
      this.#expectHeader();
    } else if (request.type === command.read) {
      this.#land(request, 0, request.length, () => this.#finish(cookie, request));
    } else {
      this.#finish(cookie, request);
      this.#expectHeader();
    }
  }

  #readStructured(): void {
    if (!this.#structured) throw protocolError('a structured reply though none were agreed');
    const flags = this.#header.readUInt16BE(4);
    const type = this.#header.readUInt16BE(6);
    const [cookie, request] = this.#request();
    const done = () => {
      if ((flags & chunkFlagDone) !== 0) this.#finish(cookie, request, request.error);
    };
    // The length follows the cookie; a data chunk's offset follows the length and can be read with it.
    const more = type === chunk.offsetData ? 12 : 4;
    this.#expect(this.#header.subarray(16, 16 + more), () => {
      const length = this.#header.readUInt32BE(16);
      if (type === chunk.offsetData) this.#readData(request, length, done);
      else if (length > maxControlBytes) throw protocolError(`a reply chunk of ${length} bytes`);
      else {
        const payload = Buffer.alloc(length);
        this.#expect(payload, () => {
          takeChunk(request, type, payload, this.#allocationContextId);
          done();
          this.#expectHeader();
        });
      }
    });
  }

  #readData(request: PendingRequest, chunkLength: number, done: () => void): void {
    const length = chunkLength - 8;
    const start = Number(this.#header.readBigUInt64BE(20)) - request.offset;
    if (request.type !== command.read) throw protocolError(`data in reply to a ${request.verb}`);
    if (length <= 0) throw protocolError(`a data chunk of ${chunkLength} bytes`);
    cover(request, start, length);
    this.#land(request, start, length, done);
  }

  /** Reads payload into the request's buffer, or into waste when nobody waits for it. */
  #land(request: PendingRequest, start: number, length: number, then: () => void): void {
    const finished = () => {
      this.#landing = undefined;
      if (request.abandoned) {
        request.into = undefined;
        request.settle(request.abandoned);
      }
      then();
      this.#expectHeader();
    };
    if (request.into) {
      this.#landing = request;
      this.#expect(request.into.subarray(start, start + length), finished);
    } else {
      this.#throwAway(length, finished);
    }
  }

  #throwAway(length: number, finished: () => void): void {
    const now = Math.min(length, this.#waste.length);
    this.#expect(this.#waste.subarray(0, now), () => {
      if (length > now) this.#throwAway(length - now, finished);
      else finished();
    });
  }

  #request(): [number, PendingRequest] {
    const cookie = this.#header.readUInt32BE(12);
    const request = this.#header.readUInt32BE(8) === 0 ? this.pending.get(cookie) : undefined;
    if (!request) throw protocolError('a reply to a request that was not made');
    return [cookie, request];
  }

  #finish(cookie: number, request: PendingRequest, error?: Error): void {
    if (!error && request.type === command.read && this.#structured && !request.coverage.isComplete) {
      throw protocolError(`the reply to a read of ${request.length} bytes at ${request.offset} has gaps`);
    }
    if (!error && request.type === command.blockStatus && request.extents.length === 0) {
      throw protocolError(`no block status in the reply for ${request.length} bytes at ${request.offset}`);
    }
    this.pending.delete(cookie);
    request.settle(error);
    if (this.pending.size === 0) this.onIdle?.();
  }
}

/** Any chunk but data. */
function takeChunk(
  request: PendingRequest,
  type: number,
  payload: Buffer,
  allocationContextId: number | undefined,
): void {
  if ((type & chunkErrorBit) !== 0) {
    request.error ??= readError(request, type, payload);
  } else if (type === chunk.none) {
    if (payload.length > 0) throw protocolError('an empty reply with content');
  } else if (type === chunk.offsetHole && request.type === command.read) {
    if (payload.length !== 12) throw protocolError(`a hole chunk of ${payload.length} bytes`);
    const start = Number(payload.readBigUInt64BE(0)) - request.offset;
    const length = payload.readUInt32BE(8);
    cover(request, start, length);
    request.into?.fill(0, start, start + length);
  } else if (type === chunk.blockStatus && request.type === command.blockStatus) {
    readBlockStatus(request, payload, allocationContextId);
  } else {
    throw protocolError(`a reply chunk of type ${type} to a ${request.verb}`);
  }
}

function cover(request: PendingRequest, start: number, length: number): void {
  if (length === 0 || !request.coverage.add(start, length)) {
    throw protocolError(
      `a read chunk of ${length} bytes at ${request.offset + start} does not fit the request of ` +
        `${request.length} bytes at ${request.offset}, or came twice`,
    );
  }
}

function readError(request: PendingRequest, type: number, payload: Buffer): NbdIoError {
  if (payload.length < 6) throw protocolError('an error without a number');
  const errno = payload.readUInt32BE(0);
  const textLength = payload.readUInt16BE(4);
  if (errno === 0 || textLength > payload.length - 6) throw protocolError('a malformed error');
  const text = payload
    .toString('utf8', 6, 6 + textLength)
    .trim()
    .slice(0, 300);
  const hasOffset = type === chunk.errorOffset && payload.length >= 6 + textLength + 8;
  const at = hasOffset ? Number(payload.readBigUInt64BE(6 + textLength)) : undefined;
  const where = at === undefined ? '' : `at offset ${at}`;
  return new NbdIoError(request.verb, request, errno, [text, where].filter(Boolean).join(', '));
}

/**
 * Extents follow one another from the request's offset. The last may reach past the request, even past the end of the
 * disk where a server rounds up to its own blocks; it is cut there. A hole that is not said to read as zeros is data.
 */
function readBlockStatus(request: PendingRequest, payload: Buffer, contextId: number | undefined): void {
  if (payload.length < 12 || payload.length % 8 !== 4) {
    throw protocolError(`a block status of ${payload.length} bytes`);
  }
  if (payload.readUInt32BE(0) !== contextId) throw protocolError('a block status of an unknown context');
  if (request.extents.length > 0) throw protocolError('two block statuses in one reply');
  const end = request.offset + request.length;
  let offset = request.offset;
  for (let at = 4; at < payload.length && offset < end; at += 8) {
    const length = Math.min(payload.readUInt32BE(at), end - offset);
    if (length === 0) throw protocolError('an empty extent in a block status');
    const flags = payload.readUInt32BE(at + 4);
    const kind = (flags & allocation.zero) === 0 ? 'data' : (flags & allocation.hole) === 0 ? 'zero' : 'hole';
    request.extents.push({ offset, length, kind });
    offset += length;
  }
}
