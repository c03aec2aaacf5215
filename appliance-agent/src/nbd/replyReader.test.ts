import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOsseaError } from '../contract/index.ts';
import { Coverage } from './coverage.ts';
import { allocation, type Command, chunk, command, magic } from './nbdProtocol.ts';
import { type PendingRequest, ReplyReader } from './replyReader.ts';

/** A request that remembers how it was settled. */
interface Recorded {
  readonly request: PendingRequest;
  outcome: 'pending' | 'ok' | Error;
}

function record(type: Command, offset: number, length: number): Recorded {
  const recorded: Recorded = {
    outcome: 'pending',
    request: {
      type,
      verb: 'read',
      offset,
      length,
      into: type === command.read ? Buffer.alloc(length, 0xee) : undefined,
      coverage: new Coverage(type === command.read ? length : 0),
      extents: [],
      error: undefined,
      abandoned: undefined,
      startedAt: 0,
      settle: (error) => {
        recorded.outcome = error ?? 'ok';
      },
    },
  };
  return recorded;
}

/** Feeds the stream in pieces of the given sizes, as the socket does: never more than the reader has room for. */
function feed(reader: ReplyReader, stream: Buffer, pieces: readonly number[]): void {
  let at = 0;
  for (let turn = 0; at < stream.length; turn++) {
    const room = reader.buffer();
    expect(room.length).toBeGreaterThan(0);
    const count = Math.min(room.length, stream.length - at, pieces[turn % pieces.length] ?? 1);
    stream.copy(room, 0, at, at + count);
    at += count;
    reader.received(count);
  }
}

function structured(type: number, done: boolean, cookie: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt32BE(magic.structuredReply, 0);
  header.writeUInt16BE(done ? 1 : 0, 4);
  header.writeUInt16BE(type, 6);
  header.writeUInt32BE(cookie, 12);
  header.writeUInt32BE(payload.length, 16);
  return Buffer.concat([header, payload]);
}

function dataChunk(cookie: number, offset: number, data: Buffer, done = false): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(offset));
  return structured(chunk.offsetData, done, cookie, Buffer.concat([head, data]));
}

function holeChunk(cookie: number, offset: number, length: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeBigUInt64BE(BigInt(offset));
  payload.writeUInt32BE(length, 8);
  return structured(chunk.offsetHole, false, cookie, payload);
}

const doneChunk = (cookie: number) => structured(chunk.none, true, cookie, Buffer.alloc(0));

const newReader = () => new ReplyReader({ structured: true, allocationContextId: 7 });

describe('a right stream', () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });
  /** Where a read of 1000 bytes is cut into chunks, whether each is a hole, and in which order they come. */
  const cuts = fc
    .uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 8 })
    .map((inner) => [0, ...inner.sort((a, b) => a - b), 1000]);

  test('is understood in whatever pieces and order it comes', () => {
    fc.assert(
      fc.property(
        pieces,
        cuts,
        fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
        fc.nat(),
        (sizes, edges, holes, seed) => {
          const content = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index % 250) + 1));
          const expected = Buffer.from(content);
          const chunks = edges.slice(0, -1).map((start, index) => {
            const end = edges[index + 1]!;
            if (!holes[index]) return dataChunk(1, 5000 + start, content.subarray(start, end));
            expected.fill(0, start, end);
            return holeChunk(1, 5000 + start, end - start);
          });
          const turned = seed % chunks.length;
          const stream = Buffer.concat([...chunks.slice(turned), ...chunks.slice(0, turned), doneChunk(1)]);
          const reader = newReader();
          const read = record(command.read, 5000, 1000);
          reader.pending.set(1, read.request);
          feed(reader, stream, sizes);
          expect(read.outcome).toBe('ok');
          expect(expected.equals(read.request.into!)).toBe(true);
          expect(reader.pending.size).toBe(0);
        },
      ),
    );
  });

  test('may answer an abandoned read: its bytes are thrown away and the next reply is understood', () => {
    const reader = newReader();
    const abandoned = record(command.read, 0, 200_000);
    const next = record(command.read, 0, 3);
    const buffer = abandoned.request.into!;
    abandoned.request.into = undefined;
    reader.pending.set(1, abandoned.request);
    reader.pending.set(2, next.request);
    feed(
      reader,
      Buffer.concat([
        dataChunk(1, 0, Buffer.alloc(200_000, 1), true),
        dataChunk(2, 0, Buffer.from('abc'), true),
      ]),
      [70_000],
    );
    expect([abandoned.outcome, next.outcome]).toEqual(['ok', 'ok']);
    expect(buffer.every((byte) => byte === 0xee)).toBe(true);
    expect(Buffer.from(next.request.into!).toString()).toBe('abc');
  });

  test('pitfall 13: a block status that reaches past the end is cut there', () => {
    const reader = newReader();
    const status = record(command.blockStatus, 1000, 500);
    reader.pending.set(1, status.request);
    const payload = Buffer.alloc(20);
    for (const [index, word] of [7, 400, 0, 65_536, allocation.hole | allocation.zero].entries()) {
      payload.writeUInt32BE(word, index * 4);
    }
    feed(reader, structured(chunk.blockStatus, true, 1, payload), [9]);
    expect(status.outcome).toBe('ok');
    expect(status.request.extents).toEqual([
      { offset: 1000, length: 400, kind: 'data' },
      { offset: 1400, length: 100, kind: 'hole' },
    ]);
  });
});

describe('a broken stream is a protocol error, never a wrong answer', () => {
  const broken: [string, Buffer][] = [
    ['no magic', Buffer.alloc(16)],
    ['an unknown cookie', dataChunk(9, 0, Buffer.from('abc'))],
    ['a byte that never comes', Buffer.concat([dataChunk(1, 0, Buffer.alloc(99)), doneChunk(1)])],
    [
      'a byte that comes twice',
      Buffer.concat([dataChunk(1, 0, Buffer.alloc(50)), dataChunk(1, 49, Buffer.alloc(51))]),
    ],
    ['data before the request', dataChunk(1, -1 + 2 ** 40, Buffer.alloc(2))],
    ['data past the request', dataChunk(1, 99, Buffer.alloc(2))],
    ['an empty data chunk', dataChunk(1, 0, Buffer.alloc(0))],
    ['a hole past the request', holeChunk(1, 90, 11)],
    ['an error without a number', structured(chunk.error, true, 1, Buffer.alloc(6))],
    ['an endless error', structured(chunk.error, true, 1, Buffer.alloc(0)).fill(0xff, 16)],
    ['block status in reply to a read', structured(chunk.blockStatus, true, 1, Buffer.alloc(12))],
    ['a chunk of no known type', structured(77, true, 1, Buffer.alloc(0))],
  ];

  test.each(broken)('%s', (_name, stream) => {
    const reader = newReader();
    reader.pending.set(1, record(command.read, 0, 100).request);
    expect(() => feed(reader, stream, [1000])).toThrowError(
      expect.objectContaining({ code: 'nbd.protocol' }),
    );
  });

  test('random bytes end in a protocol error or wait for more; they settle nothing as right', () => {
    const noise = fc.uint8Array({ minLength: 0, maxLength: 200 });
    const plausible = fc.oneof(
      noise.map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.constantFrom(...Object.values(chunk)), fc.boolean(), fc.integer({ min: 1, max: 3 }), noise)
        .map(([type, done, cookie, payload]) => structured(type, done, cookie, Buffer.from(payload))),
    );
    fc.assert(
      fc.property(fc.array(plausible, { maxLength: 6 }), fc.integer({ min: 1, max: 300 }), (parts, size) => {
        const reader = newReader();
        const read = record(command.read, 0, 100_000);
        reader.pending.set(1, read.request);
        reader.pending.set(2, record(command.blockStatus, 0, 100_000).request);
        reader.pending.set(3, record(command.write, 0, 100).request);
        try {
          feed(reader, Buffer.concat(parts), [size]);
        } catch (error) {
          expect(isOsseaError(error, 'nbd.protocol')).toBe(true);
        }
        // So little noise cannot cover a read of 100,000 bytes with data; only holes could.
        if (read.outcome === 'ok') expect(read.request.coverage.isComplete).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
