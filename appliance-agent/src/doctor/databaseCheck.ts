import { access } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { AgentConfig } from '../config.ts';
import { type Check, type Finding, failed, ok, skipped } from './check.ts';

const defaultPort = 5432;

/** Whether the database can be there. The running agent knows better: its check of the same id takes this one's place. */
export function databaseCheck({ databaseUrl, stateDir }: AgentConfig): Check {
  return {
    id: 'database',
    title: 'Database',
    run: (signal) => (databaseUrl === undefined ? checkEmbedded(stateDir) : checkServer(databaseUrl, signal)),
  };
}

async function checkEmbedded(stateDir: string): Promise<Finding> {
  const present = await access(join(stateDir, 'postgres', 'PG_VERSION')).then(
    () => true,
    () => false,
  );
  return present
    ? ok(`embedded PostgreSQL in ${stateDir}`)
    : skipped('the embedded PostgreSQL is made at the first start');
}

/** Where PostgreSQL listens: libpq connection URIs, section 34.1.1.2 of its manual. */
export function databaseAddress(databaseUrl: string): { path: string } | { host: string; port: number } {
  const url = new URL(databaseUrl);
  const port = url.port === '' ? defaultPort : Number(url.port);
  const folder = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  if (folder.startsWith('/')) return { path: `${folder}/.s.PGSQL.${port}` };
  return { host: folder === '' ? 'localhost' : folder, port };
}

function checkServer(databaseUrl: string, signal: AbortSignal): Promise<Finding> {
  const address = databaseAddress(databaseUrl);
  const shown = 'path' in address ? address.path : `${address.host}:${address.port}`;
  return new Promise((resolve) => {
    const socket = 'path' in address ? connect(address.path) : connect(address.port, address.host);
    const finish = (finding: Finding) => {
      socket.destroy();
      resolve(finding);
    };
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.once('connect', () => finish(ok(`a server listens on ${shown}`)));
    socket.once('error', (error) => {
      const code = 'code' in error ? error.code : error.message;
      finish(failed(`nothing answers on ${shown} (${code})`, 'Start PostgreSQL, or correct DATABASE_URL.'));
    });
  });
}
