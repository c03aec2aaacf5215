import { type Kysely, sql } from 'kysely';

/** The tables as the first version has them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `create table settings (key text primary key, value jsonb not null)`,
  `create table sources (
    id uuid primary key,
    name text not null unique,
    url text not null,
    fingerprint text not null,
    instance_uuid text,
    created_at timestamptz not null
  )`,
  `create table targets (
    id uuid primary key,
    name text not null unique,
    url text not null,
    fingerprint text,
    config jsonb not null,
    appliance_vm_id text,
    created_at timestamptz not null
  )`,
  `create table tokens (
    id uuid primary key,
    name text not null,
    role text not null check (role in ('viewer', 'operator', 'admin')),
    hash text not null unique,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
  )`,
  `create table sealed_leases (endpoint_id uuid primary key, sealed bytea not null, expires_at timestamptz)`,
  `create table workloads (
    id uuid primary key,
    name text not null,
    source_id uuid not null references sources (id),
    target_id uuid not null references targets (id),
    instance_uuid text not null,
    mo_ref text not null,
    state text not null check (state in ('managed', 'protected', 'testing', 'failed-over', 'migrated')),
    attention jsonb,
    settings jsonb not null,
    replicated_until timestamptz,
    created_at timestamptz not null,
    unique (source_id, instance_uuid)
  )`,
  `create table workload_disks (
    id uuid primary key,
    workload_id uuid not null references workloads (id) on delete cascade,
    device_key integer not null,
    backing_uuid text,
    label text not null,
    capacity_bytes bigint not null,
    change_id text,
    transport jsonb,
    unique (workload_id, device_key)
  )`,
  // A volume's record outlives its workload until the volume is gone: it is what cleanup goes by.
  `create table volumes (
    id uuid primary key,
    target_id uuid not null references targets (id),
    workload_id uuid not null,
    workload_disk_id uuid not null,
    state text not null,
    record jsonb not null
  )`,
  `create index volumes_by_target on volumes (target_id) where state <> 'deleted'`,
  `create table effects (
    id uuid primary key,
    job_id uuid not null,
    kind text not null,
    token text not null,
    endpoint_id uuid not null,
    workload_id uuid not null,
    external_id text,
    state text not null check (state in ('intended', 'done', 'undone')),
    detail jsonb not null,
    created_at timestamptz not null,
    unique (job_id, kind, token)
  )`,
  `create index effects_open on effects (endpoint_id) where state <> 'undone'`,
  `create table jobs (
    id uuid primary key,
    kind text not null,
    workload_id uuid,
    workload_name text,
    state text not null check (state in ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
    wait_reason text,
    message text,
    problem jsonb,
    request jsonb not null,
    created_by text not null,
    created_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    cancel_requested_at timestamptz
  )`,
  // Two jobs of one workload at a time would write one volume from two snapshots.
  `create unique index jobs_one_per_workload on jobs (workload_id) where state in ('queued', 'running', 'waiting')`,
  `create index jobs_by_time on jobs (created_at desc)`,
  `create table job_steps (
    job_id uuid not null references jobs (id) on delete cascade,
    ordinal integer not null,
    name text not null,
    title text not null,
    state text not null,
    started_at timestamptz,
    ended_at timestamptz,
    message text,
    primary key (job_id, name)
  )`,
  `create table job_disks (
    job_id uuid not null references jobs (id) on delete cascade,
    device_key integer not null,
    progress jsonb,
    report jsonb,
    primary key (job_id, device_key)
  )`,
  `create table events (id bigserial primary key, at timestamptz not null default now(), event jsonb not null)`,
  `create table audit (
    id bigserial primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject text not null,
    outcome text not null check (outcome in ('ok', 'failed', 'denied')),
    detail text
  )`,
  `create function audit_is_append_only() returns trigger language plpgsql as $$
    begin raise exception 'the audit log is append-only'; end $$`,
  `create trigger audit_append_only before update or delete on audit
    for each row execute function audit_is_append_only()`,
  `create trigger audit_no_truncate before truncate on audit
    for each statement execute function audit_is_append_only()`,
];
