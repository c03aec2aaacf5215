import { generateKeyPairSync, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { proveReport } from './reportProof.ts';

function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey };
}

test('a report is proven by the key of its appliance, and by nothing else', () => {
  const { publicKey, privateKey } = keyPair();
  const content = '{"vm":"Müllerei"}';
  const signature = sign(null, Buffer.from(content), privateKey).toString('base64');
  const report = { content, algorithm: 'Ed25519', publicKey, signature } as const;
  expect(proveReport(report, publicKey)).toBe('proven');
  expect(proveReport(report, keyPair().publicKey)).toBe('other-key');
  expect(proveReport({ ...report, content: `${content} ` }, publicKey)).toBe('broken');
  expect(proveReport({ ...report, publicKey: 'none' }, publicKey)).toBe('broken');
});
