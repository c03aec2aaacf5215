import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { OsseaError } from '../contract/index.ts';
import { probeCertificate } from './certificate.ts';
import { pinnedAgent } from './pinnedAgent.ts';
import { makeCertificate, serveTls } from './tlsServer.testing.ts';

const certificate = makeCertificate('/CN=vcenter.example');
const other = makeCertificate('/CN=vcenter.example');

const agentFor = (fingerprint: string, requestTimeoutMs?: number) =>
  pinnedAgent({
    pin: { fingerprint },
    requestTimeoutMs,
    mismatch: (shown) => new OsseaError('vsphere.certificate-changed', `It shows ${shown}.`),
  });

async function ask(url: string, agent: ReturnType<typeof agentFor>): Promise<string> {
  const { body } = await request(url, { dispatcher: agent, method: 'POST', body: 'secret' });
  return body.text();
}

test('a self-signed certificate is enough where it is the pinned one', async () => {
  await using server = await serveTls(certificate);
  const agent = agentFor(certificate.fingerprint);
  expect(await ask(server.url, agent)).toBe('well');
  await agent.destroy();
});

test('a server that is known by its thumbprint alone is held to that', async () => {
  await using server = await serveTls(certificate);
  const { thumbprint } = await probeCertificate(server.url);
  for (const [pin, trusted] of [
    [{ thumbprint }, true],
    [{ thumbprint: thumbprint.replace(/^../, thumbprint.startsWith('00') ? '01' : '00') }, false],
  ] as const) {
    const mismatch = (shown: string) => new OsseaError('vsphere.certificate-changed', `It shows ${shown}.`);
    const agent = pinnedAgent({ pin, mismatch });
    const answer = ask(server.url, agent);
    if (trusted) expect(await answer).toBe('well');
    else await expect(answer).rejects.toMatchObject({ message: `It shows ${thumbprint}.` });
    await agent.destroy();
  }
});

test('another certificate of the same name is refused, before a byte of the request is sent', async () => {
  await using server = await serveTls(other);
  const agent = agentFor(certificate.fingerprint);
  await expect(ask(server.url, agent)).rejects.toMatchObject({
    code: 'vsphere.certificate-changed',
    message: `It shows ${other.fingerprint}.`,
  });
  expect(server.requests).toBe(0);
  await agent.destroy();
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'each connection is checked for itself: none takes up an earlier session (%s)',
  async (maxVersion) => {
    const answer: RequestListener = (_, response) => {
      response.setHeader('connection', 'close').end('closed');
    };
    await using server = await serveTls(certificate, { maxVersion, answer });
    const agent = agentFor(certificate.fingerprint);
    for (let call = 0; call < 3; call += 1) expect(await ask(server.url, agent)).toBe('closed');
    expect(server.resumed).toBe(0);
    server.present(other);
    await expect(ask(server.url, agent)).rejects.toMatchObject({ code: 'vsphere.certificate-changed' });
    expect(server.requests).toBe(3);
    await agent.destroy();
  },
);

test('a server without TLS has no certificate to be trusted', async () => {
  let requests = 0;
  const plain = createServer((_, response) => {
    requests += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  const agent = agentFor(certificate.fingerprint);
  await expect(ask(`http://127.0.0.1:${port}`, agent)).rejects.toThrow('It shows no certificate.');
  expect(requests).toBe(0);
  await agent.destroy();
  plain.close();
  await once(plain, 'close');
});

test('a server that does not answer in time is given up', async () => {
  await using server = await serveTls(certificate, { answer: () => undefined });
  const agent = agentFor(certificate.fingerprint, 50);
  await expect(ask(server.url, agent)).rejects.toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
  await agent.destroy();
});
