import type {
  AddWorkloads,
  AddWorkloadsResult,
  AgentEvent,
  Certificate,
  CloudDiscovery,
  ConnectionTest,
  CreateSource,
  CreateTarget,
  Credentials,
  Inventory,
  Job,
  Limits,
  Orphan,
  Readiness,
  ReplicationStatus,
  SourceEndpoint,
  StartCleanup,
  StartReplicate,
  StartVerify,
  TargetEndpoint,
  UpdateSource,
  UpdateTarget,
  Workload,
  WorkloadSettings,
} from '../contract/index.ts';
import type { FailoverOperations } from './failover/operations.ts';

/** Where credentials come from: leases in memory, or sealed. Endpoint ids are ours (`SourceEndpoint.id`). */
export interface CredentialSource {
  /** The credentials lent for an endpoint now, if any. */
  get(endpointId: string): Credentials | undefined;
  /** Resolves when the endpoint has credentials; rejects when the signal aborts. */
  waitFor(endpointId: string, signal: AbortSignal): Promise<Credentials>;
  /** Calls back whenever a lease is put, revoked or expires. Returns the unsubscriber. */
  onChange(listener: (endpointId: string) => void): () => void;
  /** The text with every lent secret blanked: nothing that servers say is stored or told without it. */
  redact(text: string): string;
}

/** A stored event with its rising id; `id` is undefined for samples (`progress`). */
export interface NumberedEvent {
  readonly id: number | undefined;
  readonly event: AgentEvent;
}

/**
 * All that the API can ask of the agent. Every method that changes something is told who asked; the API keeps the audit log of
 * all calls. Throws `OsseaError`s only.
 */
export interface Engine {
  /** Recovers what a previous process left and begins to work. */
  launch(): Promise<void>;
  /** Stops taking work, lets running copies reach a checkpoint, and releases everything. Jobs go on at the next launch. */
  shutdown(): Promise<void>;

  probeCertificate(url: string): Promise<Certificate>;
  createSource(request: CreateSource, actor: string): Promise<SourceEndpoint>;
  updateSource(id: string, request: UpdateSource, actor: string): Promise<SourceEndpoint>;
  deleteSource(id: string, actor: string): Promise<void>;
  testSource(id: string): Promise<ConnectionTest>;
  inventory(sourceId: string): Promise<Inventory>;

  createTarget(request: CreateTarget, actor: string): Promise<TargetEndpoint>;
  updateTarget(id: string, request: UpdateTarget, actor: string): Promise<TargetEndpoint>;
  deleteTarget(id: string, actor: string): Promise<void>;
  testTarget(id: string): Promise<ConnectionTest>;
  discoverTarget(targetId: string): Promise<CloudDiscovery>;

  addWorkloads(request: AddWorkloads, actor: string): Promise<AddWorkloadsResult>;
  /** What is not named stays; a name whose value is undefined takes the choice back. */
  updateWorkload(id: string, settings: Partial<WorkloadSettings>, actor: string): Promise<Workload>;
  readiness(workloadId: string): Promise<Readiness>;

  /** @throws OsseaError `request.not-found` */
  replication(workloadId: string): Promise<ReplicationStatus>;

  startReplicate(workloadId: string, request: StartReplicate, actor: string): Promise<Job>;
  startVerify(workloadId: string, request: StartVerify, actor: string): Promise<Job>;
  cancelJob(jobId: string, actor: string): Promise<Job>;
  /** Copies nothing more until it is resumed; the snapshot is kept, so that the point in time stays. */
  pauseJob(jobId: string, paused: boolean, actor: string): Promise<Job>;
  listOrphans(): Promise<Orphan[]>;
  startCleanup(request: StartCleanup, actor: string): Promise<{ plan: Orphan[]; job?: Job }>;

  readonly failovers: FailoverOperations;

  getLimits(): Promise<Limits>;
  putLimits(limits: Limits, actor: string): Promise<Limits>;

  /** Stored events after `afterId` (none: only new ones), then live ones with samples between, until the signal aborts. */
  events(afterId: number | undefined, signal: AbortSignal): AsyncIterable<NumberedEvent>;
}
