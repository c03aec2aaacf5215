/**
 * An HTTPS server with a key of its own that answers HEAD and ranged GETs with one file, whatever the path, as a datastore's
 * `/folder` does. Arguments: folder for the key, file. Prints its port and its certificate's SHA-256.
 */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { pipeline } from 'node:stream';

const [folder = '', file = ''] = process.argv.slice(2);
const key = join(folder, 'tls.key');
const certificate = join(folder, 'tls.crt');
const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-days', '2'];
execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
const { size } = statSync(file);

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
    else pipeline(createReadStream(file, { start, end, highWaterMark: 1024 * 1024 }), outgoing, () => {});
  },
);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const { raw } = new X509Certificate(readFileSync(certificate));
  const fingerprint = createHash('sha256').update(raw).digest('hex');
  if (address && typeof address === 'object') console.log(`serving ${address.port} ${fingerprint}`);
});
