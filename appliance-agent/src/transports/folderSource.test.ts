import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import { temporaryFolder } from '../nbd/nbdServer.testing.ts';
import { type FolderAccess, type FolderSourceOptions, openFolderSource } from './folderSource.ts';

const never = new AbortController().signal;
const MiB = 1024 * 1024;
const content = Buffer.from(
  Array.from({ length: 5 * MiB + 513 }, (_, index) => (index * 31 + (index >> 9)) % 256),
);
const filePath = '/folder/web%201/web%2B1-flat.vmdk?dcPath=DC0&dsName=ds%201';

let identity: { key: Buffer; cert: Buffer; fingerprint: string };
let release: () => PromiseLike<void>;

beforeAll(async () => {
  const folder = await temporaryFolder();
  const key = path.join(folder.path, 'key.pem');
  const cert = path.join(folder.path, 'cert.pem');
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-days', '2', '-subj', '/CN=vc.example', '-keyout', key, '-out', cert],
    { stdio: 'ignore' },
  );
  const certificate = readFileSync(cert);
  identity = {
    key: readFileSync(key),
    cert: certificate,
    fingerprint: createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex'),
  };
  release = () => folder[Symbol.asyncDispose]();
});
afterAll(() => release());

type Handler = (request: IncomingMessage, reply: ServerResponse, serve: () => void) => void;

/** A web server that serves ranges of `content` under `/folder`, for who has the session's cookie. */
async function startServer(handler: Handler = (_request, _reply, serve) => serve()) {
  const state = { session: 1, renewals: 0, connections: 0, requests: 0 };
  const sockets = new Set<Socket>();
  const server = https.createServer({ key: identity.key, cert: identity.cert }, (request, reply) => {
    state.requests += 1;
    handler(request, reply, () => {
      if (request.headers.cookie !== `vmware_soap_session="${state.session}"`) {
        reply.writeHead(401, { 'content-length': 5 }).end('login');
        return;
      }
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
      if (request.url !== filePath || !range) {
        reply.writeHead(404).end('not here');
        return;
      }
      const [from, to] = [Number(range[1]), Number(range[2])];
      const body = content.subarray(from, to + 1);
      reply
        .writeHead(206, {
          'content-length': body.length,
          'content-range': `bytes ${from}-${to}/${content.length}`,
        })
        .end(body);
    });
  });
  server.on('connection', (socket: Socket) => {
    state.connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  let known = state.session;
  const access: FolderAccess = {
    origin: `https://127.0.0.1:${address.port}`,
    apiType: 'VirtualCenter',
    fingerprint: identity.fingerprint,
    authorization: async () => ({ cookie: `vmware_soap_session="${known}"` }),
    renew: async () => {
      state.renewals += 1;
      known = state.session;
    },
  };
  return {
    state,
    access,
    /** Cuts every connection, as a load balancer that is restarted does. */
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
      sockets.clear();
    },
    open: (options: Partial<FolderSourceOptions> = {}): Promise<SourceDisk> =>
      openFolderSource({
        vsphere: access,
        vmPath: '/DC0/vm/web-1',
        datacenterName: 'DC0',
        baseFileName: '[ds 1] web 1/web+1.vmdk',
        expectedBytes: content.length,
        label: 'web-1, Hard disk 1',
        firstPauseMs: 5,
        signal: never,
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readAll(disk: SourceDisk, step = 128 * 1024): Promise<Buffer> {
  const whole = Buffer.alloc(disk.sizeBytes);
  const reads: Promise<void>[] = [];
  for (let offset = 0; offset < whole.length; offset += step) {
    reads.push(disk.read(offset, whole.subarray(offset, offset + step), never));
  }
  await Promise.all(reads);
  return whole;
}

/** Answers the n-th request (the size check is the first) in another way. */
function onRequests(numbers: readonly number[], otherwise: Handler): Handler {
  let count = 0;
  return (request, reply, serve) => {
    count += 1;
    if (numbers.includes(count)) otherwise(request, reply, serve);
    else serve();
  };
}

test('reads a disk of odd size over a few connections that are kept', async () => {
  await using server = await startServer();
  await using disk = await server.open({ connections: 8 });
  expect(disk.preferred.inFlight).toBe(8);
  expect((await readAll(disk)).equals(content)).toBe(true);
  expect((await readAll(disk, 100_003)).equals(content)).toBe(true);
  expect(server.state.connections).toBe(8);
  expect(server.state.requests).toBeGreaterThan(90);
});

test('understands chunked replies', async () => {
  await using server = await startServer((request, reply, serve) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (!range) return serve();
    const body = content.subarray(Number(range[1]), Number(range[2]) + 1);
    reply.writeHead(206, { 'content-range': `bytes ${range[1]}-${range[2]}/${content.length}` });
    for (let at = 0; at < body.length; at += 7001) reply.write(body.subarray(at, at + 7001));
    reply.end();
  });
  await using disk = await server.open();
  expect((await readAll(disk)).equals(content)).toBe(true);
  expect(server.state.connections).toBeLessThanOrEqual(8);
});

describe('refusals when opening', () => {
  test('a certificate that changed is told before anything is asked', async () => {
    await using server = await startServer();
    const vsphere = { ...server.access, fingerprint: 'ab'.repeat(32) };
    await expect(server.open({ vsphere })).rejects.toMatchObject({
      code: 'vsphere.certificate-changed',
      message: expect.stringContaining(identity.fingerprint),
    });
    expect(server.state.requests).toBe(0);
  });

  test('a file of another size', async () => {
    await using server = await startServer();
    await expect(server.open({ expectedBytes: content.length - 1 })).rejects.toMatchObject({
      code: 'source.size-changed',
      message: expect.stringContaining(`${content.length} bytes`),
    });
  });

  test('a file that is not there', async () => {
    await using server = await startServer();
    await expect(server.open({ baseFileName: '[ds 1] web 1/gone.vmdk' })).rejects.toMatchObject({
      code: 'source.unavailable',
      message: expect.stringContaining('[ds 1] web 1/gone-flat.vmdk'),
      retryable: false,
    });
  });

  test('a server that ignores ranges', async () => {
    await using server = await startServer((_request, reply) => {
      reply.writeHead(200, { 'content-length': content.length }).end(content);
    });
    await expect(server.open()).rejects.toMatchObject({
      code: 'source.unavailable',
      message: expect.stringContaining('ignores byte ranges'),
    });
  });

  test('a server that nobody runs', async () => {
    await using server = await startServer();
    const vsphere = { ...server.access, origin: 'https://127.0.0.1:1' };
    await expect(server.open({ vsphere, attempts: 2 })).rejects.toMatchObject({
      code: 'source.unavailable',
      retryable: true,
    });
  });

  test('a session that cannot be renewed', async () => {
    await using server = await startServer((_request, reply) => {
      reply.writeHead(401, { 'content-length': 0 }).end();
    });
    await expect(server.open({ attempts: 2 })).rejects.toMatchObject({ code: 'vsphere.not-authenticated' });
    expect(server.state.requests, 'each attempt asks again with a new session').toBe(4);
  });
});

describe('recovery', () => {
  test('pitfall 16: a session that ends in mid-copy is renewed once, whoever notices', async () => {
    await using server = await startServer();
    await using disk = await server.open();
    expect((await readAll(disk)).equals(content)).toBe(true);
    server.state.session += 1;
    expect((await readAll(disk)).equals(content)).toBe(true);
    expect((await readAll(disk)).equals(content)).toBe(true);
    expect(server.state.renewals).toBe(1);
  });

  test('connections that are cut are made again', async () => {
    let requests = 0;
    await using server = await startServer((_request, _reply, serve) => {
      requests += 1;
      if (requests % 10 === 0) server.cut();
      else serve();
    });
    await using disk = await server.open({ attempts: 20, firstPauseMs: 1 });
    expect((await readAll(disk)).equals(content)).toBe(true);
    expect(requests).toBeGreaterThan(41);
  });

  test.each([503, 429, 500])('status %i is tried again', async (status) => {
    await using server = await startServer(
      onRequests([1, 3, 5, 6, 9], (_request, reply) => {
        reply.writeHead(status, { 'content-length': 4 }).end('busy');
      }),
    );
    await using disk = await server.open();
    expect((await readAll(disk)).equals(content)).toBe(true);
  });

  const wrong: [string, Handler][] = [
    [
      'a body that ends early',
      (request, reply) => {
        const from = Number(/=(\d+)/.exec(request.headers.range ?? '')?.[1]);
        reply.writeHead(206, {
          'content-length': 131_072,
          'content-range': `bytes ${from}-${from + 131_071}/${content.length}`,
        });
        reply.write(content.subarray(from, from + 5000), () => reply.socket?.destroy());
      },
    ],
    [
      'another range than the one asked for',
      (_request, reply) => {
        reply
          .writeHead(206, { 'content-length': 131_072, 'content-range': `bytes 1-131072/${content.length}` })
          .end(content.subarray(1, 131_073));
      },
    ],
    [
      'fewer bytes than were asked for',
      (request, reply) => {
        const from = Number(/=(\d+)/.exec(request.headers.range ?? '')?.[1]);
        reply
          .writeHead(206, {
            'content-length': 10,
            'content-range': `bytes ${from}-${from + 9}/${content.length}`,
          })
          .end(content.subarray(from, from + 10));
      },
    ],
  ];
  test.each(wrong)('%s is noticed and tried again', async (_name, otherwise) => {
    await using server = await startServer(onRequests([2, 4, 5], otherwise));
    await using disk = await server.open();
    expect((await readAll(disk)).equals(content)).toBe(true);
  });

  test('pitfall 17: silence in mid-body is a stall, and the range is fetched again', async () => {
    await using server = await startServer(
      onRequests([3], (_request, reply) => {
        reply.writeHead(206, {
          'content-length': 131_072,
          'content-range': `bytes 131072-262143/${content.length}`,
        });
        reply.write(content.subarray(131_072, 140_000));
      }),
    );
    await using disk = await server.open({ stallTimeoutMs: 150 });
    expect((await readAll(disk)).equals(content)).toBe(true);
  });

  test('pitfall 17: a server that drips forever meets the deadline of the request', async () => {
    await using server = await startServer(
      onRequests([2, 3], (_request, reply) => {
        reply.writeHead(206, {
          'content-length': 131_072,
          'content-range': `bytes 0-131071/${content.length}`,
        });
        const drip = setInterval(() => reply.write(content.subarray(0, 1)), 10);
        reply.on('close', () => clearInterval(drip));
      }),
    );
    await using disk = await server.open({ requestTimeoutMs: 200, attempts: 2 });
    await expect(disk.read(0, Buffer.alloc(131_072), never)).rejects.toMatchObject({
      code: 'source.stalled',
      retryable: true,
      message: expect.stringMatching(/131072 bytes at offset 0 of the disk web-1, Hard disk 1/),
    });
  });

  test('an aborted read leaves its buffer alone, and others go on', async () => {
    const held = Promise.withResolvers<void>();
    await using server = await startServer(
      onRequests([2], (_request, reply) => {
        reply.writeHead(206, {
          'content-length': 131_072,
          'content-range': `bytes 0-131071/${content.length}`,
        });
        reply.write(content.subarray(0, 60_000));
        void held.promise.then(() => reply.end(content.subarray(60_000, 131_072)));
      }),
    );
    await using disk = await server.open();
    const abort = new AbortController();
    const into = Buffer.alloc(131_072, 0xee);
    const read = disk.read(0, into, abort.signal);
    read.catch(() => {});
    await expect.poll(() => into.subarray(0, 50_000).equals(content.subarray(0, 50_000))).toBe(true);
    abort.abort(new Error('enough'));
    await expect(read).rejects.toThrow('enough');
    const before = Buffer.from(into);
    held.resolve();
    expect((await readAll(disk)).equals(content)).toBe(true);
    expect(into.equals(before)).toBe(true);
  });

  test('closing the disk ends its reads', async () => {
    await using server = await startServer(onRequests([2], () => {}));
    const disk = await server.open();
    const read = disk.read(0, Buffer.alloc(512), never);
    read.catch(() => {});
    await expect.poll(() => server.state.requests).toBe(2);
    await disk.close();
    await expect(read).rejects.toMatchObject({ code: 'source.unavailable' });
  });
});
