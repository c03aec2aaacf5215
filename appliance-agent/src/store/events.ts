import type { AgentEvent } from '../contract/index.ts';
import type { Database } from './database.ts';

/** So many events are kept for readers that come back. */
const eventsKept = 20_000;

/** Changes of jobs and workloads under rising ids, for readers that resume. */
export class Events {
  readonly #database: Database;
  #sinceTrim = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Keeps an event and answers its id. The caller appends one after another, so that ids rise in the order of reading. */
  async append(event: AgentEvent): Promise<number> {
    const { id } = await this.#database.query((db) =>
      db
        .insertInto('events')
        .values({ event: JSON.stringify(event) })
        .returning('id')
        .executeTakeFirstOrThrow(),
    );
    this.#sinceTrim += 1;
    if (this.#sinceTrim > 1000) {
      this.#sinceTrim = 0;
      await this.#database.query((db) =>
        db
          .deleteFrom('events')
          .where('id', '<', id - eventsKept)
          .execute(),
      );
    }
    return id;
  }

  /** Events after an id, oldest first. */
  async after(id: number, limit: number): Promise<{ id: number; event: AgentEvent }[]> {
    return this.#database.query((db) =>
      db
        .selectFrom('events')
        .select(['id', 'event'])
        .where('id', '>', id)
        .orderBy('id')
        .limit(limit)
        .execute(),
    );
  }

  /** The id of the newest event; 0 where there is none. */
  async lastId(): Promise<number> {
    const row = await this.#database.query((db) =>
      db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst(),
    );
    return row?.id ?? 0;
  }
}
