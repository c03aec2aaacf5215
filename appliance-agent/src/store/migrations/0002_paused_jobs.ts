import { type Kysely, sql } from 'kysely';

/** Jobs can be paused. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table jobs add column paused boolean not null default false`.execute(db);
}
