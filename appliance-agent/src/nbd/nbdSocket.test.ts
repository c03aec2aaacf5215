import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { NbdClient, type NbdClientOptions } from './nbdClient.ts';
import { type NbdTestServer, pattern, startNbdkit, temporaryFolder } from './nbdServer.testing.ts';

const MiB = 1024 * 1024;

function connect(server: NbdTestServer, options: Partial<NbdClientOptions> = {}): Promise<NbdClient> {
  return NbdClient.connect({ address: { kind: 'unix', path: server.socketPath }, ...options });
}

describe('TLS', () => {
  async function startTls() {
    const folder = await temporaryFolder();
    const inFolder = (name: string) => path.join(folder.path, name);
    const openssl = (...parameters: string[]) => execFileSync('openssl', parameters, { stdio: 'ignore' });
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl(
      'req',
      '-x509',
      ...curve,
      '-days',
      '2',
      '-subj',
      '/CN=Test CA',
      '-keyout',
      inFolder('ca-key.pem'),
      '-out',
      inFolder('ca-cert.pem'),
    );
    openssl(
      'req',
      ...curve,
      '-subj',
      '/CN=disk.example',
      '-addext',
      'subjectAltName=DNS:disk.example',
      '-keyout',
      inFolder('server-key.pem'),
      '-out',
      inFolder('server.csr'),
    );
    openssl(
      'x509',
      '-req',
      '-in',
      inFolder('server.csr'),
      '-copy_extensions',
      'copy',
      '-CA',
      inFolder('ca-cert.pem'),
      '-CAkey',
      inFolder('ca-key.pem'),
      '-days',
      '2',
      '-out',
      inFolder('server-cert.pem'),
    );
    const server = await startNbdkit(
      '--tls=require',
      `--tls-certificates=${folder.path}`,
      'pattern',
      'size=4M',
    );
    const certificate = new X509Certificate(await readFile(inFolder('server-cert.pem')));
    return {
      server,
      ca: await readFile(inFolder('ca-cert.pem'), 'utf8'),
      fingerprint: createHash('sha256').update(certificate.raw).digest('hex'),
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  test('a server is trusted by its authority or by its fingerprint, and by nothing else', async () => {
    await using tls = await startTls();
    for (const trust of [{ ca: tls.ca, serverName: 'disk.example' }, { fingerprint: tls.fingerprint }]) {
      await using client = await connect(tls.server, { tls: trust, connections: 2 });
      const into = Buffer.alloc(3 * MiB + 1);
      await client.read(5, into);
      expect(into.equals(pattern(5, into.length))).toBe(true);
    }
    for (const trust of [{}, { ca: tls.ca, serverName: 'other.example' }, { fingerprint: '0'.repeat(64) }]) {
      await expect(connect(tls.server, { tls: trust })).rejects.toMatchObject({ code: 'nbd.refused' });
    }
    await expect(connect(tls.server)).rejects.toMatchObject({
      code: 'nbd.refused',
      message: expect.stringMatching(/TLS/),
    });
  });

  test('a server without TLS is refused where TLS is asked for', async () => {
    await using server = await startNbdkit('pattern', 'size=4M');
    await expect(connect(server, { tls: {} })).rejects.toMatchObject({ code: 'nbd.refused' });
  });
});
