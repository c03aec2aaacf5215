import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type {
  AgentEvent,
  CycleRecord,
  DiskProgress,
  DiskReport,
  Failover,
  Job,
  JobStep,
  ManagedVolume,
  Problem,
  Role,
  SourceEndpoint,
  TargetEndpoint,
  TransportChoice,
  VirtualMachine,
  Workload,
  WorkloadSettings,
} from '../contract/index.ts';

/** Timestamps come as `Date`, and are given as ISO 8601 or `Date`. */
type Moment = ColumnType<Date, Date | string, Date | string>;
type OptionalMoment = ColumnType<Date | null, Date | string | null, Date | string | null>;
/** JSON is written as text, as the driver takes a bare array for a PostgreSQL array. */
type Json<T> = ColumnType<T, string, string>;
type OptionalJson<T> = ColumnType<T | null, string | null, string | null>;

interface SettingTable {
  key: string;
  value: Json<unknown>;
}

interface SourceTable {
  id: string;
  name: string;
  url: string;
  fingerprint: string;
  instance_uuid: string | null;
  created_at: Moment;
}

interface TargetTable {
  id: string;
  name: string;
  url: string;
  fingerprint: string | null;
  config: Json<TargetEndpoint['config']>;
  appliance_vm_id: string | null;
  created_at: Moment;
}

interface TokenTable {
  id: string;
  name: string;
  role: Role;
  hash: string;
  created_at: Moment;
  expires_at: OptionalMoment;
  revoked_at: OptionalMoment;
  last_used_at: OptionalMoment;
}

interface SealedLeaseTable {
  endpoint_id: string;
  sealed: Buffer;
  expires_at: OptionalMoment;
}

interface WorkloadTable {
  id: string;
  name: string;
  source_id: SourceEndpoint['id'];
  target_id: TargetEndpoint['id'];
  instance_uuid: string;
  mo_ref: string;
  state: Workload['state'];
  attention: OptionalJson<Problem>;
  settings: Json<WorkloadSettings>;
  replicated_until: OptionalMoment;
  replica_torn_since: OptionalMoment;
  source_vm: OptionalJson<VirtualMachine>;
  schedule_since: OptionalMoment;
  created_at: Moment;
}

interface WorkloadDiskTable {
  id: string;
  workload_id: string;
  device_key: number;
  backing_uuid: string | null;
  label: string;
  /** int8, which the driver is told to read as a number. */
  capacity_bytes: number;
  change_id: string | null;
  transport: OptionalJson<TransportChoice>;
}

/** A volume's record: the contract's resource and what its owner needs besides. */
export type StoredVolume = ManagedVolume & {
  readonly vmName: string;
  readonly diskLabel: string;
  readonly pendingJobId?: string | undefined;
};

interface VolumeTable {
  id: string;
  target_id: string;
  workload_id: string;
  workload_disk_id: string;
  state: string;
  record: Json<StoredVolume>;
}

/**
 * `snapshot`: of the source VM, at vCenter. `volume-snapshot`, `vm`, `network`: at the cloud. `nic`: of the appliance, on a test's network. `fence`: what was changed at the source VM
 * to keep it from coming back; `source-power`: the source was shut down by us.
 */
export type EffectKind = 'snapshot' | 'volume-snapshot' | 'vm' | 'nic' | 'network' | 'fence' | 'source-power';

interface EffectTable {
  id: string;
  job_id: string;
  kind: EffectKind;
  /** The name under which the effect can be found again outside. */
  token: string;
  endpoint_id: string;
  workload_id: string;
  failover_id: string | null;
  external_id: string | null;
  state: 'intended' | 'done' | 'undone';
  detail: Json<unknown>;
  created_at: Moment;
}

/** Jobs of one workload exclude each other within a lane: those that work on its replica, and those of a test on clones. */
export type JobLane = 'replica' | 'test';

interface JobTable {
  id: string;
  kind: Job['kind'];
  lane: Generated<JobLane>;
  workload_id: string | null;
  workload_name: string | null;
  state: Job['state'];
  wait_reason: NonNullable<Job['waitReason']> | null;
  message: string | null;
  problem: OptionalJson<Problem>;
  request: Json<unknown>;
  created_by: string;
  created_at: Moment;
  started_at: OptionalMoment;
  ended_at: OptionalMoment;
  cancel_requested_at: OptionalMoment;
  paused: Generated<boolean>;
}

interface JobStepTable {
  job_id: string;
  ordinal: number;
  name: string;
  title: string;
  state: JobStep['state'];
  started_at: OptionalMoment;
  ended_at: OptionalMoment;
  message: string | null;
}

interface JobDiskTable {
  job_id: string;
  device_key: number;
  progress: OptionalJson<DiskProgress>;
  report: OptionalJson<DiskReport>;
}

interface FailoverTable {
  id: string;
  workload_id: string;
  kind: Failover['kind'];
  state: Failover['state'];
  /** All of it, as the contract has it. */
  record: Json<Failover>;
  /** What workflows remember besides, such as the choices that were resolved. */
  memory: Json<unknown>;
  screenshot: Buffer | null;
  created_at: Moment;
}

interface CycleTable {
  id: Generated<number>;
  workload_id: string;
  job_id: string;
  point_at: Moment;
  record: Json<CycleRecord>;
}

interface EventTable {
  id: Generated<number>;
  at: ColumnType<Date, never, never>;
  event: JSONColumnType<AgentEvent, string, never>;
}

interface AuditTable {
  id: Generated<number>;
  at: ColumnType<Date, never, never>;
  actor: string;
  action: string;
  subject: string;
  outcome: 'ok' | 'failed' | 'denied';
  detail: string | null;
}

/** The tables of the agent, in the schema `ossea`. */
export interface Schema {
  settings: SettingTable;
  sources: SourceTable;
  targets: TargetTable;
  tokens: TokenTable;
  sealed_leases: SealedLeaseTable;
  workloads: WorkloadTable;
  workload_disks: WorkloadDiskTable;
  volumes: VolumeTable;
  effects: EffectTable;
  jobs: JobTable;
  job_steps: JobStepTable;
  job_disks: JobDiskTable;
  failovers: FailoverTable;
  cycles: CycleTable;
  events: EventTable;
  audit: AuditTable;
}
