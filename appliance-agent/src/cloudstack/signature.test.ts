import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeSignature, encodeValue, formatExpiry, signRequest, sortedEntries } from './signature.ts';

// The key pair of CloudStack's developer guide, which prints the first signature below.
const apiKey = 'plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg';
const secretKey = 'VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ';

describe('computeSignature', () => {
  // The second and third were computed by Apache Libcloud 3.4 (libcloud.common.cloudstack).
  it.each([
    ['the example of the developer guide', { command: 'listUsers' }, 'TTpdDq/7j/J58XCRHomKoQXEQds='],
    [
      'spaces as %20 and an expiry',
      {
        command: 'createVolume',
        name: 'ossea web server-Hard disk 1',
        size: 11,
        zoneid: 'A-B',
        signatureversion: 3,
        expires: '2026-01-02T03:04:05+0000',
      },
      'mw0ZkQZZ/+Wm4ObKkfdgdELGP9U=',
    ],
    [
      'brackets in keys, and characters outside ASCII',
      {
        command: 'deployVirtualMachine',
        'details[0].cpuNumber': 4,
        'details[0].memory': 4096,
        displayname: 'Zürich / 東京 *&=+%',
      },
      'XmmXVXuF83D6p9NTTM/tf6cxtAY=',
    ],
  ])('signs %s', (_name, parameters, signature) => {
    const entries = sortedEntries({ ...parameters, apikey: apiKey, response: 'json' });
    expect(computeSignature(entries, secretKey)).toBe(signature);
  });
});

describe('encodeValue', () => {
  it('encodes what Java’s URLEncoder encodes and JavaScript does not', () => {
    expect(encodeValue("~*()!'-_. +/")).toBe(
      "~*()!'-_. +/".replace(/[~()!' +/]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    );
    expect(encodeValue('a b')).toBe('a%20b');
  });

  it('leaves only characters that every encoder leaves, and decodes to what it was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const encoded = encodeValue(text);
        expect(encoded).toMatch(/^(?:[A-Za-z0-9._*-]|%[0-9A-F]{2})*$/);
        expect(decodeURIComponent(encoded)).toBe(text.toWellFormed());
      }),
    );
  });
});

describe('signRequest', () => {
  const expiresAt = new Date('2026-01-02T03:04:05.678Z');

  it('sends what it signed, whatever the values hold', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ unit: 'binary' })),
        (parameters) => {
          const sent = new URLSearchParams(
            signRequest('listZones', parameters, { apiKey, secretKey }, expiresAt),
          );
          const signature = sent.get('signature');
          sent.delete('signature');
          // The server sorts by key and encodes each value that it decoded.
          const received = [...sent].sort(([a], [b]) => (a < b ? -1 : 1));
          expect(computeSignature(received, secretKey)).toBe(signature);
        },
      ),
    );
  });

  it('carries version 3, the expiry in UTC and never the secret', () => {
    const sent = signRequest(
      'listZones',
      { keyword: undefined, ids: ['a', 'b'] },
      { apiKey, secretKey },
      expiresAt,
    );
    const parameters = new URLSearchParams(sent);
    expect(parameters.get('signatureversion')).toBe('3');
    expect(parameters.get('expires')).toBe('2026-01-02T03:04:05+0000');
    expect(parameters.get('ids')).toBe('a,b');
    expect(parameters.has('keyword')).toBe(false);
    expect(sent).not.toContain(secretKey);
  });

  it('formats an expiry without milliseconds', () => {
    expect(formatExpiry(new Date(0))).toBe('1970-01-01T00:00:00+0000');
  });
});
