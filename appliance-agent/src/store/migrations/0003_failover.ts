import { type Kysely, sql } from 'kysely';

/** Failovers, cycles of replication, and jobs of a test beside those of the replica. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `alter table jobs add column lane text not null default 'replica' check (lane in ('replica', 'test'))`,
  `drop index jobs_one_per_workload`,
  // Two jobs on one replica at a time would write it from two snapshots; a test works on clones and may run beside.
  `create unique index jobs_one_per_lane on jobs (workload_id, lane) where state in ('queued', 'running', 'waiting')`,
  `alter table effects add column failover_id uuid`,
  `create index effects_of_failover on effects (failover_id) where state <> 'undone'`,
  // A failover outlives its workload, as evidence.
  `create table failovers (
    id uuid primary key,
    workload_id uuid not null,
    kind text not null check (kind in ('test', 'live')),
    state text not null,
    record jsonb not null,
    memory jsonb not null,
    screenshot bytea,
    created_at timestamptz not null
  )`,
  `create index failovers_by_workload on failovers (workload_id, created_at desc)`,
  // At a time one test and one live failover of a workload stand.
  `create unique index failovers_one_open on failovers (workload_id, kind)
    where state not in ('committed', 'rolled-back', 'cleaned', 'expired')`,
  `create table cycles (
    id bigserial primary key,
    workload_id uuid not null references workloads (id) on delete cascade,
    job_id uuid not null,
    point_at timestamptz not null,
    record jsonb not null,
    unique (workload_id, job_id, point_at)
  )`,
];
