import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOsseaError } from '../contract/index.ts';
import { enterExport, greet, type HandshakeStream, listExports } from './handshake.ts';
import { disconnectedError } from './nbdError.ts';
import { info, magic, option, optionReply } from './nbdProtocol.ts';

/** A server that has said all of this in advance, and then closes. */
function scripted(bytes: Buffer): HandshakeStream {
  let at = 0;
  return {
    where: 'a script',
    read: async (count) => {
      if (at + count > bytes.length) throw disconnectedError('a script');
      at += count;
      return bytes.subarray(at - count, at);
    },
    write: () => {},
  };
}

function reply(number: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(magic.optionReply, 0);
  head.writeUInt32BE(number, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}

function exportInfo(size: bigint, flags = 1): Buffer {
  const data = Buffer.alloc(12);
  data.writeUInt16BE(info.export, 0);
  data.writeBigUInt64BE(size, 2);
  data.writeUInt16BE(flags, 10);
  return data;
}

function blockSizes(min: number, preferred: number, max: number): Buffer {
  const data = Buffer.alloc(14);
  data.writeUInt16BE(info.blockSize, 0);
  for (const [index, size] of [min, preferred, max].entries()) data.writeUInt32BE(size, 2 + index * 4);
  return data;
}

const unsupported = 0x80000001;

describe('entering an export', () => {
  test('works with a server that knows neither structured replies nor block sizes', async () => {
    const stream = scripted(
      Buffer.concat([
        reply(option.structuredReply, unsupported),
        reply(option.go, optionReply.info, exportInfo(12_345n, 0b11)),
        reply(option.go, optionReply.ack),
      ]),
    );
    expect(await enterExport(stream, '')).toEqual({
      sizeBytes: 12_345,
      readOnly: true,
      multiConn: false,
      canFlush: false,
      canTrim: false,
      canWriteZeros: false,
      minBlockBytes: 1,
      preferredBlockBytes: 4096,
      maxPayloadBytes: 32 * 1024 * 1024,
      structuredReplies: false,
      allocationContextId: undefined,
    });
  });

  test.each([
    ['a size that no number can hold', [reply(option.go, optionReply.info, exportInfo(2n ** 60n))]],
    ['a block size that is no power of two', [reply(option.go, optionReply.info, blockSizes(3, 4096, 4096))]],
    ['a largest block below the smallest', [reply(option.go, optionReply.info, blockSizes(512, 4096, 100))]],
    ['no size at all', [reply(option.go, optionReply.ack)]],
    ['the answer to another option', [reply(option.list, optionReply.ack)]],
    ['a cut information', [reply(option.go, optionReply.info, exportInfo(1n).subarray(0, 5))]],
  ])('%s is a protocol error', async (_name, replies) => {
    const stream = scripted(Buffer.concat([reply(option.structuredReply, unsupported), ...replies]));
    await expect(enterExport(stream, '')).rejects.toMatchObject({ code: 'nbd.protocol' });
  });

  test('a refusal carries the words of the server', async () => {
    const stream = scripted(
      Buffer.concat([
        reply(option.structuredReply, unsupported),
        reply(option.go, 0x80000006, Buffer.from('no such disk here')),
      ]),
    );
    await expect(enterExport(stream, 'x')).rejects.toMatchObject({
      code: 'nbd.refused',
      message: expect.stringContaining('no such disk here'),
    });
  });
});

test('a list without end is a protocol error', async () => {
  const endless: HandshakeStream = {
    ...scripted(Buffer.alloc(0)),
    read: async (count) => (count === 20 ? reply(option.list, optionReply.info) : Buffer.alloc(count)),
  };
  await expect(listExports(endless)).rejects.toMatchObject({ code: 'nbd.protocol' });
});

test('random answers end in a typed error', async () => {
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const plausible = fc.oneof(
    noise,
    fc
      .tuple(
        fc.constantFrom(...Object.values(option)),
        fc.constantFrom(...Object.values(optionReply), unsupported),
        noise,
      )
      .map(([number, type, data]) => reply(number, type, data)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(plausible, { maxLength: 8 }), async (parts) => {
      for (const negotiate of [greet, listExports, (stream: HandshakeStream) => enterExport(stream, 'x')]) {
        await negotiate(scripted(Buffer.concat(parts))).catch((error: unknown) => {
          expect(isOsseaError(error, 'nbd.protocol', 'nbd.refused', 'nbd.disconnected')).toBe(true);
        });
      }
    }),
    { numRuns: 1000 },
  );
});
