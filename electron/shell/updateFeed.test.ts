import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSigned, signedText, type UpdateFeed } from './updateFeed.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const feeds = fc.record({
  version: fc.string({ minLength: 1 }),
  files: fc.array(fc.record({ url: fc.string({ minLength: 1 }), sha512: fc.string({ minLength: 1 }) }), {
    minLength: 1,
    maxLength: 4,
  }),
});
const signed = (feed: UpdateFeed): UpdateFeed => ({
  ...feed,
  signature: sign(null, Buffer.from(signedText(feed)), privateKey).toString('base64'),
});

it('takes what the release’s key signed', () => {
  fc.assert(fc.property(feeds, (feed) => isSigned(signed(feed), publicKey)));
});

it('refuses another content under the same signature', () => {
  fc.assert(
    fc.property(feeds, feeds, (feed, other) => {
      fc.pre(JSON.stringify(feed) !== JSON.stringify(other));
      expect(isSigned({ ...other, signature: signed(feed).signature }, publicKey)).toBe(false);
    }),
  );
});

it('refuses what is unsigned, signed with nonsense, or signed by somebody else', () => {
  const feed = { version: '1.2.3', files: [{ url: 'a.AppImage', sha512: 'x' }] };
  expect(isSigned(feed, publicKey)).toBe(false);
  expect(isSigned({ ...feed, signature: 'nonsense' }, publicKey)).toBe(false);
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const signature = sign(null, Buffer.from(signedText(feed)), stranger).toString('base64');
  expect(isSigned({ ...feed, signature }, publicKey)).toBe(false);
});
