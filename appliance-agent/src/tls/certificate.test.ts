import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { fingerprintOf, probeCertificate } from './certificate.ts';
import { makeCertificate, serveTls } from './tlsServer.testing.ts';

const certificate = makeCertificate('/O=Example Ltd/CN=vcenter.example');

test('a certificate is told as OpenSSL reads it', async () => {
  await using server = await serveTls(certificate);
  const { x509 } = certificate;
  expect(await probeCertificate(`${server.url}/sdk`)).toEqual({
    fingerprint: certificate.fingerprint,
    thumbprint: x509.fingerprint,
    subject: 'vcenter.example, Example Ltd',
    issuer: 'vcenter.example, Example Ltd',
    validFrom: new Date(x509.validFrom).toISOString(),
    validTo: new Date(x509.validTo).toISOString(),
  });
  expect(server.requests).toBe(0);
});

test('a fingerprint is lower case without colons, a thumbprint as VDDK wants it', async () => {
  expect(fingerprintOf(certificate.x509)).toMatch(/^[0-9a-f]{64}$/);
  await using server = await serveTls(certificate);
  expect((await probeCertificate(server.url)).thumbprint).toMatch(/^([0-9A-F]{2}:){19}[0-9A-F]{2}$/);
});

test('the certificate is the one that is shown now', async () => {
  await using server = await serveTls(certificate);
  await probeCertificate(server.url);
  const renewed = makeCertificate('/CN=vcenter.example');
  server.present(renewed);
  expect(await probeCertificate(server.url)).toMatchObject({
    fingerprint: renewed.fingerprint,
    subject: 'vcenter.example',
  });
});

test('a server at an IPv6 address is found', async () => {
  await using server = await serveTls(certificate, { host: '::1' });
  expect((await probeCertificate(server.url)).fingerprint).toBe(certificate.fingerprint);
});

test('a port that nobody listens on, and a name that nobody has, are unreachable, and named', async () => {
  const gone = await serveTls(certificate);
  await gone[Symbol.asyncDispose]();
  for (const url of [gone.url, 'https://vcenter.invalid/sdk']) {
    await expect(probeCertificate(url)).rejects.toMatchObject({
      code: 'vsphere.unreachable',
      field: 'url',
      value: url,
      retryable: true,
      message: expect.stringContaining(new URL(url).host),
    });
  }
});

test('a server without TLS is unreachable', async () => {
  const plain = createServer((socket) => socket.resume().end('220 mail.example\r\n')).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  await expect(probeCertificate(`https://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: 'vsphere.unreachable',
  });
  plain.close();
  await once(plain, 'close');
});

test('a server that does not speak TLS is told as one', async () => {
  const plain = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
    0,
    '127.0.0.1',
  );
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  await expect(probeCertificate(`https://127.0.0.1:${port}/`)).rejects.toMatchObject({
    code: 'vsphere.unreachable',
    message: expect.stringMatching(/answers, but not by TLS.*\(wrong version number\)\.$/),
  });
  plain.close();
});
