import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import {
  OsseaError,
  Problem,
  type Role,
  type Route,
  routes,
  type SourceEndpoint,
} from '../contract/index.ts';
import { createAccessToken } from './accessTokens.ts';
import { type Answer, send, serveTestApi, type TestApi } from './services.testing.ts';

const source: SourceEndpoint = {
  id: '7b0c0b6e-6a8e-4a36-9d2b-0d6a5a9c3f10',
  name: 'lab',
  url: 'https://vcenter.example/sdk',
  fingerprint: 'a'.repeat(64),
  lease: { kind: 'none' },
  createdAt: '2026-01-01T00:00:00.000Z',
};

async function tokenFor(api: TestApi, role: Role, ttlSeconds?: number) {
  return createAccessToken(api.tokens, { name: `${role} of the test`, role, ttlSeconds });
}

/** Every error is a problem document, whatever went wrong. */
function problemOf(answer: Answer): Problem {
  expect(answer.type).toBe('application/problem+json');
  const problem = Problem.parse(JSON.parse(answer.text));
  expect(problem.status).toBe(answer.status);
  expect(answer.text).not.toMatch(/<html/i);
  return problem;
}

describe('access', () => {
  it('to the sockets is limited by file mode, and stale sockets are taken over', async () => {
    await using api = await serveTestApi();
    expect((await stat(api.apiSocket)).mode & 0o777).toBe(0o660);
    expect((await stat(api.adminSocket)).mode & 0o777).toBe(0o600);
  });

  it('needs a token on the API socket, none on the administration socket', async () => {
    await using api = await serveTestApi();
    const refused = problemOf(await send(api.apiSocket, { path: '/v1/limits' }));
    expect(refused).toMatchObject({
      code: 'auth.missing',
      status: 401,
      remedy: expect.stringContaining('token create'),
    });
    expect(await send(api.adminSocket, { path: '/v1/limits' })).toMatchObject({ status: 200 });
    expect(api.audit.entries).toMatchObject([{ actor: 'unknown', action: 'getLimits', outcome: 'denied' }]);
  });

  it('is refused to unknown, expired and revoked tokens, at once', async () => {
    await using api = await serveTestApi();
    const ask = async (token: string) => send(api.apiSocket, { path: '/v1/limits', token });
    expect(problemOf(await ask('ossea_unknown')).code).toBe('auth.invalid');

    const expired = await tokenFor(api, 'admin', 1);
    api.tokens.rows.set(expired.id, {
      ...api.tokens.rows.get(expired.id)!,
      expiresAt: new Date(Date.now() - 1).toISOString(),
    });
    expect(problemOf(await ask(expired.token))).toMatchObject({ code: 'auth.expired', status: 401 });

    const revoked = await tokenFor(api, 'viewer');
    expect((await ask(revoked.token)).status).toBe(200);
    await send(api.adminSocket, { method: 'DELETE', path: `/v1/tokens/${revoked.id}` });
    expect(problemOf(await ask(revoked.token))).toMatchObject({ code: 'auth.invalid' });
  });

  it('goes by role, for every operation of the contract', async () => {
    await using api = await serveTestApi();
    const ranks: Role[] = ['viewer', 'operator', 'admin'];
    for (const holder of ranks) {
      const { token } = await tokenFor(api, holder);
      for (const [name, route] of Object.entries<Route>(routes)) {
        const answer = await send(api.apiSocket, {
          method: route.method,
          path: route.path.replace(':id', source.id),
          token,
          ...(route.body && { body: '{"nonsense":1}' }),
        });
        const allowed = route.role === 'none' || ranks.indexOf(holder) >= ranks.indexOf(route.role);
        expect({ holder, name, denied: answer.status === 403 }).toEqual({ holder, name, denied: !allowed });
        if (!allowed) expect(problemOf(answer).remedy).toContain(route.role);
      }
    }
  });

  it('keeps only the hash of a token, tells it once, and notes its use', async () => {
    await using api = await serveTestApi();
    const body = JSON.stringify({ name: 'console', role: 'viewer', ttlSeconds: 60 });
    const created = await send(api.adminSocket, { method: 'POST', path: '/v1/tokens', body });
    expect(created.status).toBe(201);
    const { token, id } = JSON.parse(created.text);
    expect(token).toMatch(/^ossea_[\w-]{43}$/);
    expect(JSON.stringify([...api.tokens.rows.values()])).not.toContain(token);
    expect(JSON.stringify(api.audit.entries)).not.toContain(token);

    const session = await send(api.apiSocket, { path: '/v1/session', token });
    expect(JSON.parse(session.text)).toMatchObject({
      name: 'console',
      role: 'viewer',
      expiresAt: expect.any(String),
    });
    const list = await send(api.adminSocket, { path: '/v1/tokens' });
    expect(list.text).not.toContain(token);
    expect(list.text).not.toContain('hash');
    expect(JSON.parse(list.text).items).toMatchObject([{ id, lastUsedAt: expect.any(String) }]);
  });

  it('is limited in rate for each token by itself', async () => {
    await using api = await serveTestApi({}, { requestsPerMinute: 3 });
    const one = await tokenFor(api, 'viewer');
    const two = await tokenFor(api, 'viewer');
    const ask = async (token: string) => send(api.apiSocket, { path: '/v1/limits', token });
    for (let count = 0; count < 3; count += 1) expect((await ask(one.token)).status).toBe(200);
    const refused = await ask(one.token);
    expect(problemOf(refused)).toMatchObject({ code: 'request.too-many', status: 429, retryable: true });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask(two.token)).status).toBe(200);
  });

  it('floods neither the database nor the audit log with refusals', async () => {
    await using api = await serveTestApi();
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, index) =>
        send(api.apiSocket, { path: '/v1/limits', token: `ossea_guess${index}` }),
      ),
    );
    const codes = answers.map((answer) => problemOf(answer).code);
    expect(codes.filter((code) => code === 'auth.invalid')).toHaveLength(60);
    expect(codes.filter((code) => code === 'request.too-many')).toHaveLength(20);
    expect(api.audit.entries).toHaveLength(60);
  });
});

describe('bad input', () => {
  it('is answered with field, value and remedy', async () => {
    await using api = await serveTestApi();
    const ask = async (method: string, path: string, body?: unknown) =>
      problemOf(
        await send(api.adminSocket, {
          method,
          path,
          ...(body !== undefined && { body: JSON.stringify(body) }),
        }),
      );
    expect(await ask('GET', '/v1/jobs/17')).toMatchObject({
      code: 'request.invalid',
      field: 'id',
      value: '17',
    });
    expect(await ask('GET', '/v1/jobs?limit=0')).toMatchObject({ field: 'limit', value: '0' });
    expect(await ask('POST', '/v1/sources', { name: 'x', url: 'http://vc/sdk' })).toMatchObject({
      field: 'url',
      value: 'http://vc/sdk',
    });
    expect(await ask('POST', '/v1/sources', { url: 'https://vc/sdk' })).toMatchObject({
      field: 'name',
      remedy: 'Send the field "name".',
    });
    expect(await ask('POST', `/v1/workloads/${source.id}/replicate`, { verfy: 'none' })).toMatchObject({
      field: 'verfy',
      detail: 'The field "verfy" of the body is unknown.',
    });
  });

  it('of any kind gets a problem document: no path, no JSON, too large, no HTTP', async () => {
    await using api = await serveTestApi();
    const post = (body: string, headers: Record<string, string> = {}) =>
      send(api.adminSocket, { method: 'POST', path: '/v1/tokens', body, headers });
    expect(problemOf(await send(api.adminSocket, { path: '/nowhere' }))).toMatchObject({
      code: 'request.not-found',
      value: '/nowhere',
    });
    expect(problemOf(await send(api.adminSocket, { path: '/v1/jobs/%zz' })).status).toBe(400);
    expect(problemOf(await post('')).code).toBe('request.invalid');
    expect(problemOf(await post('<xml/>', { 'content-type': 'text/xml' })).remedy).toContain(
      'application/json',
    );
    expect(problemOf(await post(`"${'x'.repeat(2 ** 21)}"`))).toMatchObject({
      code: 'request.too-large',
      status: 413,
    });

    const socket = connect(api.adminSocket);
    socket.write('this is not HTTP\r\n\r\n');
    const raw = await readText(socket);
    expect(raw).toMatch(/^HTTP\/1\.1 400 /);
    expect(raw).toContain('application/problem+json');
    expect(raw).toContain('request.invalid');
  });

  it('never has a secret told back, nor written to the log', async () => {
    await using api = await serveTestApi();
    api.records.sources.push(source);
    const secret = 'hunter2-hunter2';
    const path = `/v1/sources/${source.id}/lease`;
    const bodies = [
      JSON.stringify({ credentials: { kind: 'vsphere', username: 'u', password: { text: secret } } }),
      JSON.stringify({
        credentials: { kind: 'vsphere', username: 'u', password: secret },
        ttlSeconds: 'soon',
      }),
      JSON.stringify({ credentials: secret }),
      JSON.stringify({ credentials: { kind: 'cloudstack', apiKey: secret, secretKey: 1 } }),
      `{"credentials":{"kind":"vsphere","password":"${secret}"`,
      `{"password": ${secret}}`,
    ];
    for (const body of bodies) {
      const answer = await send(api.adminSocket, { method: 'PUT', path, body });
      expect(problemOf(answer).code).toBe('request.invalid');
      expect(answer.text).not.toContain('hunter2');
    }
    expect(api.log.join('')).not.toContain('hunter2');
    expect(JSON.stringify(api.audit.entries)).not.toContain('hunter2');
  });
});

describe('errors', () => {
  it('of the engine keep code and remedy, and are written to the audit log', async () => {
    await using api = await serveTestApi({
      startReplicate: async () => {
        throw new OsseaError('job.running', 'The workload "web" has the running job 1.', {
          remedy: 'Wait for it.',
        });
      },
    });
    const answer = await send(api.adminSocket, {
      method: 'POST',
      path: `/v1/workloads/${source.id}/replicate`,
      body: '{}',
    });
    expect(problemOf(answer)).toMatchObject({ code: 'job.running', status: 409, remedy: 'Wait for it.' });
    expect(api.audit.entries).toMatchObject([
      {
        actor: 'local administrator',
        action: 'startReplicate',
        outcome: 'failed',
        detail: expect.stringContaining('job.running'),
      },
    ]);
  });

  it('that nobody foresaw are told by a number only, and in full in the log', async () => {
    await using api = await serveTestApi({
      getLimits: async () => {
        throw new Error('connect to postgresql://user:hunter22@host failed');
      },
    });
    const answer = await send(api.adminSocket, { path: '/v1/limits' });
    const problem = problemOf(answer);
    expect(problem.code).toBe('agent.internal');
    expect(answer.text).not.toContain('hunter22');
    const request = /request (\S+)\.$/.exec(problem.detail)?.[1];
    expect(api.log.some((line) => line.includes(String(request)))).toBe(true);
  });

  it('that quote a lent secret have it blanked, in the answer, the audit log and the log', async () => {
    const secret = 'hunter2-hunter2';
    await using api = await serveTestApi({
      testSource: async () => {
        throw new OsseaError('vsphere.fault', `vCenter said: no user u with ${secret}`, { value: secret });
      },
      listOrphans: async () => {
        throw new Error(`unexpected ${secret}`);
      },
    });
    api.records.sources.push(source);
    const body = JSON.stringify({
      credentials: { kind: 'vsphere', username: 'u', password: secret },
      sealed: true,
    });
    const lent = await send(api.adminSocket, { method: 'PUT', path: `/v1/sources/${source.id}/lease`, body });
    expect(lent.status).toBe(200);
    const tested = await send(api.adminSocket, { method: 'POST', path: `/v1/sources/${source.id}/test` });
    expect(problemOf(tested).detail).toBe('vCenter said: no user u with [secret]');
    await send(api.adminSocket, { path: '/v1/orphans' });
    const listed = await send(api.adminSocket, { path: '/v1/sources' });
    expect(JSON.parse(listed.text).items[0].lease).toMatchObject({ kind: 'sealed' });

    const sealed = Buffer.from(api.sealedLeases.rows.get(source.id)!.sealed);
    const everything = [
      lent.text,
      tested.text,
      listed.text,
      api.log.join(''),
      JSON.stringify(api.audit.entries),
    ];
    for (const text of [...everything, sealed.toString('latin1')]) expect(text).not.toContain('hunter2');
    expect(api.log.join('')).toContain('unexpected [secret]');
  });
});

describe('changes', () => {
  it('are written down with who, what, which and how it ended', async () => {
    await using api = await serveTestApi({ deleteSource: async () => undefined });
    const { token, id } = await tokenFor(api, 'operator');
    const limits = JSON.stringify({ concurrentJobs: 1, concurrentDisks: 2 });
    await send(api.apiSocket, { method: 'PUT', path: '/v1/limits', body: limits, token });
    await send(api.apiSocket, { method: 'DELETE', path: `/v1/sources/${source.id}`, token });
    await send(api.apiSocket, { method: 'POST', path: `/v1/jobs/${source.id}/cancel`, token });
    await send(api.apiSocket, { path: '/v1/workloads', token });
    const actor = `operator of the test (token ${id.slice(0, 8)})`;
    expect(api.audit.entries).toMatchObject([
      { actor, action: 'putLimits', subject: '/v1/limits', outcome: 'ok', detail: limits },
      { actor, action: 'deleteSource', subject: source.id, outcome: 'ok' },
      { actor, action: 'cancelJob', subject: source.id, outcome: 'failed' },
    ]);
  });
});

describe('leases', () => {
  it('are taken for endpoints of their kind only, and taken back', async () => {
    await using api = await serveTestApi();
    api.records.sources.push(source);
    const lend = (id: string, credentials: unknown) =>
      send(api.adminSocket, {
        method: 'PUT',
        path: `/v1/sources/${id}/lease`,
        body: JSON.stringify({ credentials }),
      });
    const vsphere = { kind: 'vsphere', username: 'u', password: 'p' };
    expect(problemOf(await lend('11111111-1111-4111-8111-111111111111', vsphere)).code).toBe(
      'request.not-found',
    );
    expect(
      problemOf(await lend(source.id, { kind: 'cloudstack', apiKey: 'a', secretKey: 's' })),
    ).toMatchObject({
      code: 'request.invalid',
      field: 'credentials.kind',
    });
    expect((await lend(source.id, vsphere)).status).toBe(200);
    expect(api.leases.get(source.id)).toEqual(vsphere);
    await send(api.adminSocket, { method: 'DELETE', path: `/v1/sources/${source.id}/lease` });
    expect(api.leases.get(source.id)).toBeUndefined();
    expect(api.audit.entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'leaseSource failed',
      'leaseSource failed',
      'leaseSource ok',
      'revokeSourceLease ok',
    ]);
  });
});

describe('health and metrics', () => {
  it('tell without a token what is missing, also when the database is away', async () => {
    await using api = await serveTestApi();
    const empty = JSON.parse((await send(api.apiSocket, { path: '/health' })).text);
    expect(empty).toMatchObject({ status: 'degraded', database: 'ok' });
    expect(empty.missing.join()).toMatch(/No vCenter is known.*No CloudStack is known/);
    api.records.sources.push(source);
    api.records.available = false;
    expect(JSON.parse((await send(api.apiSocket, { path: '/health' })).text)).toMatchObject({
      database: 'unavailable',
    });
    api.records.ping = () => new Promise(() => undefined);
    const asked = await send(api.apiSocket, { path: '/health', token: 'ossea_any' });
    expect(JSON.parse(asked.text)).toMatchObject({ status: 'degraded', database: 'unavailable' });
  });

  it('are served in the text format of Prometheus to viewers', async () => {
    await using api = await serveTestApi();
    const { token } = await tokenFor(api, 'viewer');
    const { status, type, text } = await send(api.apiSocket, { path: '/metrics', token });
    expect({ status, type }).toEqual({ status: 200, type: expect.stringContaining('text/plain') });
    for (const name of [
      'ossea_jobs{state="waiting"} 0',
      'nodejs_eventloop_lag_seconds',
      'process_resident_memory_bytes',
    ]) {
      expect(text).toContain(name);
    }
    expect((await send(api.apiSocket, { path: '/metrics' })).status).toBe(401);
  });
});
