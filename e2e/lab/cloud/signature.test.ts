import { once } from 'node:events';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe } from 'vitest';
import { expect, expectRefusal, test } from './labTest.ts';
import { isFresh, signatureOf } from './signature.ts';
import { SignedClient } from './signedClient.ts';

const unverified = /unable to verify user credentials/;

describe('signed requests', () => {
  test('are taken by GET and by POST', async ({ user }) => {
    for (const method of ['GET', 'POST']) {
      expect((await user.call('listZones', {}, method)).zone).toHaveLength(2);
    }
  });

  test('hold for any text in a value, and for names in camel case', async ({ cloud, user }) => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async (text) => {
        const answer = await user.call('listZones', {
          keyword: `${text} ~(*)!'+%`,
          pageSize: '5',
          page: '1',
        });
        expect(answer).toEqual({});
      }),
      { numRuns: 50 },
    );
    expect(cloud.calls.every((call) => call.status === 200)).toBe(true);
  });

  test('are refused with another secret, another key, or a changed parameter', async ({ cloud, user }) => {
    const wrong = new SignedClient({ ...cloud, secretKey: cloud.adminSecretKey });
    await expectRefusal(wrong.call('listZones'), 401, unverified);
    const unknown = new SignedClient({ ...cloud, apiKey: 'nobody' });
    await expectRefusal(unknown.call('listZones'), 401, unverified);
    const tampered = user.sign('listZones', { name: 'a' });
    tampered.set('name', 'b');
    await expectRefusal(user.send('listZones', tampered), 401, unverified);
    const unsigned = user.sign('listZones');
    unsigned.delete('signature');
    await expectRefusal(user.send('listZones', unsigned), 401, unverified);
  });

  test('a plus sign for a space in what was signed is refused', async ({ cloud }) => {
    const pairs: [string, string][] = [
      ['command', 'listZones'],
      ['name', 'two words'],
      ['apikey', cloud.apiKey],
    ];
    const right = signatureOf(pairs, cloud.secretKey);
    const withPlus = signatureOf(
      [['name', 'two+words'], ...pairs.filter(([name]) => name !== 'name')],
      cloud.secretKey,
    );
    const send = (signature: string): Promise<Response> =>
      fetch(`${cloud.url}?${new URLSearchParams([...pairs, ['signature', signature]])}`);
    expect((await send(right)).status).toBe(200);
    expect((await send(withPlus)).status).toBe(401);
  });

  test('of version 3 end with their expiry', async ({ user }) => {
    const at = (minutes: number): Record<string, string> => ({
      signatureversion: '3',
      expires: new Date(Date.now() + minutes * 60_000).toISOString().replace(/\.\d+Z$/, '+0000'),
    });
    await user.call('listZones', at(5));
    await expectRefusal(user.call('listZones', at(-1)), 401, unverified);
    await expectRefusal(user.call('listZones', { signatureversion: '3' }), 401, unverified);
    await expectRefusal(
      user.call('listZones', { signatureversion: '3', expires: '2099-01-01T00:00:00.000Z' }),
      401,
      unverified,
    );
    expect(isFresh('2026-01-31T12:00:00+0200', Date.UTC(2026, 0, 31, 10))).toBe(true);
    expect(isFresh('2026-01-31T12:00:00+0200', Date.UTC(2026, 0, 31, 10, 0, 1))).toBe(false);
  });

  test('without response=json the answer is XML', async ({ cloud }) => {
    const pairs: [string, string][] = [
      ['command', 'listOsTypes'],
      ['apikey', cloud.apiKey],
      ['keyword', 'Debian'],
    ];
    const signature = signatureOf(pairs, cloud.secretKey);
    const answer = await fetch(`${cloud.url}?${new URLSearchParams([...pairs, ['signature', signature]])}`);
    expect(answer.headers.get('content-type')).toContain('text/xml');
    expect(await answer.text()).toContain('<listostypesresponse><count>1</count><ostype><id>');
  });

  test('no key or signature is kept in the log of calls', async ({ cloud, user }) => {
    await user.call('listZones', { name: 'x' });
    expect(cloud.calls.at(-1)).toEqual({
      command: 'listZones',
      account: 'migration',
      parameters: { command: 'listZones', name: 'x', response: 'json' },
      status: 200,
    });
  });
});

describe('commands that the caller may not use', () => {
  test('are refused: 401 for unknown ones, 432 for those of administrators', async ({
    cloud,
    user,
    admin,
  }) => {
    await expectRefusal(user.call('noSuchCommand'), 401, unverified);
    await expectRefusal(user.call('listHosts'), 432, /does not exist, is not available for user/);
    expect((await admin.call('listHosts')).host[0].ueficapability).toBe(true);
    const answer = await fetch(`${cloud.url}?${user.sign('listHosts')}`);
    expect(await answer.json()).toEqual({ errorresponse: expect.objectContaining({ errorcode: 432 }) });
  });

  test('errors stand in the envelope of their command', async ({ cloud, user }) => {
    const answer = await fetch(`${cloud.url}?${user.sign('createVolume')}`);
    expect(answer.status).toBe(431);
    expect(await answer.json()).toMatchObject({
      createvolumeresponse: {
        errorcode: 431,
        errortext: expect.stringContaining('missing parameter zoneid'),
      },
    });
  });
});

describe('with enforce.post.requests.and.timestamps', () => {
  test.override({ cloudOptions: { enforcePost: true } });

  test('changes need POST, and every request an expiry', async ({ cloud, user }) => {
    const expires = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+Z$/, '+0000');
    const fresh = { signatureversion: '3', expires };
    await user.call('listZones', fresh);
    await expectRefusal(user.call('listZones'), 401, unverified);
    const volume = {
      ...fresh,
      name: 'x',
      size: '1',
      zoneid: cloud.defaults.zoneId,
      diskofferingid: cloud.defaults.diskOfferingId,
    };
    await expectRefusal(user.call('createVolume', volume), 405, /POST/);
    expect(await user.call('createVolume', volume, 'POST')).toHaveProperty('jobid');
  });
});

describe('over https', () => {
  test.override({ cloudOptions: { https: true } });

  test('the certificate has the fingerprint that the lab tells', async ({ cloud }) => {
    const socket = connect({
      port: Number(new URL(cloud.url).port),
      host: '127.0.0.1',
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    const shown = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase();
    socket.destroy();
    expect(cloud.url).toMatch(/^https:/);
    expect(shown).toBe(cloud.fingerprint);
  });
});
