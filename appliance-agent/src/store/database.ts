import { setTimeout } from 'node:timers/promises';
import { Kysely, Migrator, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import { OsseaError } from '../contract/index.ts';
import * as initial from './migrations/0001_initial.ts';
import * as pausedJobs from './migrations/0002_paused_jobs.ts';
import * as failover from './migrations/0003_failover.ts';
import * as replicaState from './migrations/0004_replica_state.ts';
import * as schedules from './migrations/0005_schedules.ts';
import type { Schema } from './schema.ts';

const migrations = {
  '0001_initial': initial,
  '0002_paused_jobs': pausedJobs,
  '0003_failover': failover,
  '0004_replica_state': replicaState,
  '0005_schedules': schedules,
};

/** How long an operation waits for a database that is being restarted before it gives up. Milliseconds. */
const patienceMs = 60_000;

/** SQLSTATEs of a server that goes away, is not there yet, or has a full disk (PostgreSQL, appendix A, classes 08, 57P and 53). */
const transientStates = new Set([
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
  '53100',
]);
/** A transaction that may simply be tried again. */
const retryStates = new Set(['40001', '40P01']);
const transientSystemErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTCONN',
]);

/** True for an error that says nothing about the statement: the server was restarted, or a transaction was to be repeated. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    transientStates.has(code) ||
    retryStates.has(code) ||
    transientSystemErrors.has(code) ||
    /Connection terminated|Client has encountered a connection error|connection error and is not queryable|timeout exceeded when trying to connect/i.test(
      error.message,
    )
  );
}

/** Either the database or a transaction on it. */
export type Queryable = Kysely<Schema> | Transaction<Schema>;

/**
 * The database with patience: what fails because the server is being restarted is tried again for a minute. A commit whose answer was lost is
 * tried again too, so every operation must be one that may be done twice.
 */
export class Database implements AsyncDisposable {
  readonly #kysely: Kysely<Schema>;
  readonly #logger: Logger;

  constructor(connection: pg.PoolConfig, logger: Logger) {
    const types: pg.CustomTypesConfig = {
      // int8 as a number: exact up to 8 PiB, as all our counts of bytes are.
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === 20 ? Number : pg.types.getTypeParser(oid, format),
    };
    const pool = new pg.Pool({
      ...connection,
      types,
      max: 8,
      connectionTimeoutMillis: 10_000,
      application_name: 'ossea-agent',
    });
    // A connection that breaks is replaced; whoever used it learns of it by the query that fails.
    const broken = (error: Error) => logger.debug({ error: error.message }, 'a database connection broke');
    pool.on('error', broken).on('connect', (client) => client.on('error', broken));
    this.#kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
    this.#logger = logger;
  }

  /** Runs queries; may be called again from the start when the connection breaks in between. */
  query<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.#patiently(() => work(this.#kysely));
  }

  /** Runs queries in one transaction, wholly or not at all; the work may be called again. */
  transaction<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return this.#patiently(() => this.#kysely.transaction().execute(work));
  }

  /** @throws OsseaError `database.unavailable` where a migration fails */
  async migrate(): Promise<void> {
    const migrator = new Migrator({ db: this.#kysely, provider: { getMigrations: async () => migrations } });
    const { error } = await this.#patiently(() => migrator.migrateToLatest());
    if (error) throw unavailable('The tables of the agent cannot be made', error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kysely.destroy();
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + patienceMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!isTransient(error)) throw error;
        if (performance.now() > deadline) throw unavailable('The database does not come back', error);
        if (attempt === 1)
          this.#logger.warn({ error: String(error) }, 'the database is away; waiting for it');
        await setTimeout(Math.min(1000, 25 * 2 ** Math.min(attempt, 6)));
      }
    }
  }
}

function unavailable(what: string, cause: unknown): OsseaError {
  return new OsseaError(
    'database.unavailable',
    `${what}: ${cause instanceof Error ? cause.message : String(cause)}.`,
    {
      remedy:
        'See that PostgreSQL runs, has space and that the agent may use its database; "ossea-agent doctor" tells more.',
      retryable: true,
      cause,
    },
  );
}
