import { type Kysely, sql } from 'kysely';

/** Schedules of workloads. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // A schedule counts from when it was chosen: a daily one that is chosen at noon does not run at once for last night.
  await sql`alter table workloads add column schedule_since timestamptz`.execute(db);
  await sql`create index jobs_by_workload on jobs (workload_id, created_at desc)`.execute(db);
}
