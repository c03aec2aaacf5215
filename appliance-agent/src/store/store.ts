import { sql } from 'kysely';
import type { Logger } from 'pino';
import { Limits } from '../contract/index.ts';
import { Audit, SealedLeases, Tokens } from './access.ts';
import { Cycles } from './cycles.ts';
import { Database } from './database.ts';
import { Effects } from './effects.ts';
import { EmbeddedPostgres } from './embeddedPostgres.ts';
import { Sources, Targets } from './endpoints.ts';
import { Events } from './events.ts';
import { Failovers } from './failovers.ts';
import { Jobs } from './jobs.ts';
import { Schedules } from './schedules.ts';
import { Volumes } from './volumes.ts';
import { Workloads } from './workloads.ts';

export interface StoreOptions {
  /** A server; undefined: PostgreSQL embedded in `stateDir`. */
  readonly databaseUrl?: string | undefined;
  readonly stateDir: string;
  readonly runDir: string;
  readonly logger: Logger;
}

const defaultLimits: Limits = { concurrentJobs: 4, concurrentDisks: 4 };

/** Everything that the agent keeps, by subject. */
export class Store implements AsyncDisposable {
  readonly database: Database;
  readonly sources: Sources;
  readonly targets: Targets;
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly sealedLeases: SealedLeases;
  readonly workloads: Workloads;
  readonly volumes: Volumes;
  readonly effects: Effects;
  readonly failovers: Failovers;
  readonly cycles: Cycles;
  readonly schedules: Schedules;
  readonly jobs: Jobs;
  readonly events: Events;
  /** How others connect to the same database, such as the workflow engine. */
  readonly connectionUrl: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(database: Database, connectionUrl: string, resources: AsyncDisposableStack) {
    this.database = database;
    this.connectionUrl = connectionUrl;
    this.#resources = resources;
    this.sources = new Sources(database);
    this.targets = new Targets(database);
    this.tokens = new Tokens(database);
    this.audit = new Audit(database);
    this.sealedLeases = new SealedLeases(database);
    this.workloads = new Workloads(database);
    this.volumes = new Volumes(database);
    this.effects = new Effects(database);
    this.failovers = new Failovers(database);
    this.cycles = new Cycles(database);
    this.schedules = new Schedules(database);
    this.jobs = new Jobs(database);
    this.events = new Events(database);
  }

  /** Opens the database, made and migrated where needed. @throws OsseaError `database.unavailable` */
  static async open({ databaseUrl, stateDir, runDir, logger }: StoreOptions): Promise<Store> {
    await using resources = new AsyncDisposableStack();
    let url = databaseUrl;
    if (url === undefined) {
      const server = resources.use(await EmbeddedPostgres.start({ stateDir, runDir }, logger));
      url = server.url;
    }
    const database = resources.use(new Database({ connectionString: url }, logger));
    await database.migrate();
    return new Store(database, url, resources.move());
  }

  /** @throws OsseaError `database.unavailable` */
  async ping(): Promise<void> {
    await this.database.query((db) => sql`select 1`.execute(db));
  }

  async getLimits(): Promise<Limits> {
    const row = await this.database.query((db) =>
      db.selectFrom('settings').select('value').where('key', '=', 'limits').executeTakeFirst(),
    );
    return Limits.safeParse(row?.value).data ?? defaultLimits;
  }

  async putLimits(limits: Limits): Promise<void> {
    const value = JSON.stringify(limits);
    await this.database.query((db) =>
      db
        .insertInto('settings')
        .values({ key: 'limits', value })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
        .execute(),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
