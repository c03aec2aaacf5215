import { type Kysely, sql } from 'kysely';

/** What a failover has to know of a replica and of its source while the source cannot be asked. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  // Set before a cycle's first write to the volumes, taken back with its last: in between they show no point in time.
  `alter table workloads add column replica_torn_since timestamptz`,
  `alter table workloads add column source_vm jsonb`,
];
