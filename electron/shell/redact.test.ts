import fc from 'fast-check';
import { expect, it } from 'vitest';
import { redact, redactText } from './redact.ts';

const secret = fc.stringMatching(/^[A-Za-z0-9+/=_.-]{8,40}$/);

it('hides the value of a secret key at any depth', () => {
  fc.assert(
    fc.property(
      secret,
      fc.constantFrom('password', 'secretKey', 'apiKey', 'token', 'Authorization', 'passphrase'),
      (value, key) => {
        const text = JSON.stringify(redact({ a: [{ b: { [key]: value, name: 'vc1' } }] }));
        expect(text).not.toContain(value);
        expect(text).toContain('vc1');
      },
    ),
  );
});

it('hides what texts carry: bearer tokens, URLs with passwords, assignments, private keys', () => {
  fc.assert(
    fc.property(secret, (value) => {
      for (const text of [
        `authorization: Bearer ${value}`,
        `https://user:${value}@host/`,
        `password=${value}&x=1`,
        `"secretKey":"${value}"`,
        `-----BEGIN OPENSSH PRIVATE KEY-----\n${value}\n-----END OPENSSH PRIVATE KEY-----`,
      ]) {
        expect(redactText(text.replaceAll('/', '_').replace('https:__', 'https://'))).not.toContain(
          value.replaceAll('/', '_'),
        );
      }
    }),
  );
});

it('keeps errors readable and survives cycles', () => {
  const cycle: Record<string, unknown> = { name: 'x' };
  cycle.self = cycle;
  expect(redact(cycle)).toEqual({ name: 'x', self: '[circular]' });
  expect(redact(new Error('login with password=hunter22 failed'))).toMatchObject({
    name: 'Error',
    message: 'login with password=[redacted] failed',
  });
});
