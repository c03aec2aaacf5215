import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AgentParts, startAgent } from './agent.ts';
import { openAgentStore, type PostgresAgentStore } from './agentStore.ts';
import { EventsInMemory, engineOf, send } from './api/services.testing.ts';
import { type AgentConfig, loadConfig } from './config.ts';
import { CreatedToken, OsseaError } from './contract/index.ts';
import type { Store } from './store/store.ts';

const secret = 'hunter2-hunter2-hunter2';

let folder: string;
let config: AgentConfig;
let log: string[];
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-store-'));
  config = loadConfig({ OSSEA_STATE_DIR: join(folder, 'state'), OSSEA_RUN_DIR: join(folder, 'run') });
  log = [];
});
afterEach(() => rm(folder, { recursive: true }));

/** The real database under a real server; only the work itself is left out. */
const parts: AgentParts<PostgresAgentStore> = {
  openStore: async (agentConfig, logger) => {
    const opened = await openAgentStore(agentConfig, logger);
    store = opened.store;
    return opened;
  },
  createEngine: async ({ store: { store: opened } }) =>
    engineOf(new EventsInMemory(), {
      createSource: ({ name, url, fingerprint }) =>
        opened.sources.create({ name, url, fingerprint: fingerprint ?? 'a'.repeat(64) }),
      testSource: async () => {
        throw new OsseaError('vsphere.fault', `vCenter refused ${secret}`);
      },
    }),
};

const start = () =>
  startAgent(
    config,
    parts,
    new Writable({
      write(chunk, _encoding, done) {
        log.push(String(chunk));
        done();
      },
    }),
  );

/** Every row of every table of the agent, as text. */
async function dumpDatabase(): Promise<string> {
  return store.database.query(async (db) => {
    const tables = await sql<{ name: string }>`
      select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`.execute(
      db,
    );
    expect(tables.rows.length).toBeGreaterThan(10);
    const dumps = [];
    for (const { name } of tables.rows) {
      const rows = await sql<{ row: string }>`select t::text as row from ${sql.raw(name)} t`.execute(db);
      dumps.push(...rows.rows.map(({ row }) => row));
    }
    return dumps.join('\n');
  });
}

async function filesUnder(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

it('a secret pushed through a sealed lease is nowhere but in memory, and back after a restart', async () => {
  const created = '{"name":"lab","url":"https://vcenter.example/sdk"}';
  const lease = JSON.stringify({
    credentials: { kind: 'vsphere', username: 'u', password: secret },
    sealed: true,
  });
  const answers: string[] = [];
  let id: string;
  {
    await using agent = await start();
    const ask = async (method: string, path: string, body?: string) => {
      const answer = await send(agent.adminSocket, { method, path, ...(body !== undefined && { body }) });
      answers.push(answer.text);
      return answer;
    };
    id = JSON.parse((await ask('POST', '/v1/sources', created)).text).id;
    expect((await ask('PUT', `/v1/sources/${id}/lease`, lease)).status).toBe(200);
    expect((await ask('POST', `/v1/sources/${id}/test`)).text).toContain('vCenter refused [secret]');
    await ask('GET', '/v1/sources');
    await ask('GET', '/v1/audit');
    await ask('GET', '/v1/doctor');
    const dump = await dumpDatabase();
    expect(dump).toContain('leaseSource');
    for (const text of [dump, log.join(''), ...answers]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('hex'));
    }
  }
  for (const file of await filesUnder(config.stateDir))
    expect((await readFile(file)).includes(secret)).toBe(false);

  await using again = await start();
  const sources = JSON.parse((await send(again.adminSocket, { path: '/v1/sources' })).text);
  expect(sources.items).toMatchObject([{ id, lease: { kind: 'sealed' } }]);
});

it('tokens, their use and their revocation outlive a restart', async () => {
  let token: CreatedToken;
  {
    await using agent = await start();
    const body = '{"name":"console","role":"viewer"}';
    const created = await send(agent.adminSocket, { method: 'POST', path: '/v1/tokens', body });
    token = CreatedToken.parse(JSON.parse(created.text));
    expect((await send(agent.apiSocket, { path: '/v1/session', token: token.token })).status).toBe(200);
    expect(
      (await send(agent.apiSocket, { method: 'POST', path: '/v1/tokens', body, token: token.token })).status,
    ).toBe(403);
    expect(await dumpDatabase()).not.toContain(token.token);
  }
  await using again = await start();
  expect((await send(again.apiSocket, { path: '/v1/session', token: token.token })).status).toBe(200);
  await send(again.adminSocket, { method: 'DELETE', path: `/v1/tokens/${token.id}` });
  expect((await send(again.apiSocket, { path: '/v1/session', token: token.token })).status).toBe(401);
  const audit = JSON.parse((await send(again.adminSocket, { path: '/v1/audit' })).text).items;
  const told = audit.map(
    ({ action, outcome }: { action: string; outcome: string }) => `${action} ${outcome}`,
  );
  expect(told).toEqual(['session denied', 'revokeToken ok', 'createToken denied', 'createToken ok']);
});
