/**
 * An HTTPS server with a key of its own that answers HEAD and ranged GETs with one file, whatever the path, as a datastore's
 * `/folder` does. Arguments: folder for the key, file. Prints its port and its certificate's SHA-256.
 */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

const [folder = '', file = ''] = process.argv.slice(2);
const key = join(folder, 'tls.key');
const certificate = join(folder, 'tls.crt');
const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-days', '2'];
execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
const image = await open(file, 'r');
const { size } = await image.stat();
/** Buffers at rest: fresh ones would cost the server more than encryption does. */
const buffers: Buffer[] = [];
const bufferBytes = 256 * 1024;

const server = createServer(
  { key: readFileSync(key), cert: readFileSync(certificate) },
  (incoming, outgoing) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(incoming.headers.range ?? '');
    const start = Number(range?.[1] ?? 0);
    const end = Math.min(Number(range?.[2] ?? size - 1), size - 1);
    outgoing.setHeader('accept-ranges', 'bytes');
    outgoing.setHeader('content-length', end - start + 1);
    if (range) outgoing.setHeader('content-range', `bytes ${start}-${end}/${size}`);
    outgoing.writeHead(range ? 206 : 200);
    if (incoming.method === 'HEAD') outgoing.end();
    else void send(image, start, end + 1, outgoing);
  },
);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const { raw } = new X509Certificate(readFileSync(certificate));
  const fingerprint = createHash('sha256').update(raw).digest('hex');
  if (address && typeof address === 'object') console.log(`serving ${address.port} ${fingerprint}`);
});

async function send(from: FileHandle, start: number, end: number, outgoing: ServerResponse): Promise<void> {
  const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  for (let at = start; at < end && !outgoing.destroyed; ) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(bufferBytes, end - at), at);
    const sent = Promise.withResolvers<unknown>();
    outgoing.write(buffer.subarray(0, bytesRead), sent.resolve);
    outgoing.once('close', sent.resolve);
    await sent.promise;
    outgoing.off('close', sent.resolve);
    at += bytesRead;
  }
  buffers.push(buffer);
  outgoing.end();
}
