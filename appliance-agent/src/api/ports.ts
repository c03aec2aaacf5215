import type {
  AuditEntry,
  Job,
  JobKind,
  JobState,
  ManagedVolume,
  Role,
  SourceEndpoint,
  TargetEndpoint,
  Token,
  Workload,
} from '../contract/index.ts';

/** Access tokens by their SHA-256; the tokens themselves are never kept. */
export interface TokenStore {
  create(token: {
    readonly name: string;
    readonly role: Role;
    /** SHA-256 of the token, lower-case hex. */
    readonly hash: string;
    /** ISO 8601; undefined: does not expire. */
    readonly expiresAt: string | undefined;
  }): Promise<Token>;
  findByHash(hash: string): Promise<Token | undefined>;
  /** Newest first, revoked and expired ones too. */
  list(): Promise<Token[]>;
  /** False where there is no such token. Revoking twice keeps the first moment. */
  revoke(id: string): Promise<boolean>;
  markUsed(id: string, at: string): Promise<void>;
}

/** The append-only record of who did what. */
export interface AuditLog {
  append(entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void>;
  /** Newest first, older than the entry `before`. */
  list(query: { readonly before: number | undefined; readonly limit: number }): Promise<AuditEntry[]>;
}

export interface JobQuery {
  readonly workloadId: string | undefined;
  readonly state: JobState | undefined;
  readonly kind: JobKind | undefined;
  readonly limit: number;
}

/** What the API reads without asking the engine. Endpoints come with any `lease`; the API puts the true one in. */
export interface ReadModel {
  listSources(): Promise<SourceEndpoint[]>;
  listTargets(): Promise<TargetEndpoint[]>;
  listVolumes(): Promise<ManagedVolume[]>;
  listWorkloads(): Promise<Workload[]>;
  getWorkload(id: string): Promise<Workload | undefined>;
  /** Newest first. */
  listJobs(query: JobQuery): Promise<Job[]>;
  getJob(id: string): Promise<Job | undefined>;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
}
