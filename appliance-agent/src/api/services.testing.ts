import { randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import {
  type AgentEvent,
  type AuditEntry,
  type Job,
  OsseaError,
  type SourceEndpoint,
  type TargetEndpoint,
  type Token,
  type Workload,
} from '../contract/index.ts';
import { Leases } from '../leases/leases.ts';
import { SealedLeasesInMemory } from '../leases/sealedLeases.testing.ts';
import type { Engine, NumberedEvent } from '../workflows/engine.ts';
import { readHealth } from './health.ts';
import { createLogger } from './logger.ts';
import { AgentMetrics } from './metrics.ts';
import type { AuditLog, ReadModel, TokenStore } from './ports.ts';
import { buildServer, type ServerOptions } from './server.ts';
import type { ApiServices } from './services.ts';
import { listenOnSocket } from './sockets.ts';

/** Tokens in memory. */
export class TokensInMemory implements TokenStore {
  readonly rows = new Map<string, Token & { hash: string }>();

  async create({ name, role, hash, expiresAt }: Parameters<TokenStore['create']>[0]): Promise<Token> {
    const token: Token = {
      id: randomUUID(),
      name,
      role,
      createdAt: new Date().toISOString(),
      ...(expiresAt !== undefined && { expiresAt }),
    };
    this.rows.set(token.id, { ...token, hash });
    return token;
  }

  async findByHash(hash: string): Promise<Token | undefined> {
    return [...this.rows.values()].find((row) => row.hash === hash);
  }

  async list(): Promise<Token[]> {
    return [...this.rows.values()];
  }

  async revoke(id: string): Promise<boolean> {
    const row = this.rows.get(id);
    if (row) this.rows.set(id, { ...row, revokedAt: new Date().toISOString() });
    return row !== undefined;
  }

  async markUsed(id: string, at: string): Promise<void> {
    const row = this.rows.get(id);
    if (row) this.rows.set(id, { ...row, lastUsedAt: at });
  }
}

/** An audit log in memory. */
export class AuditInMemory implements AuditLog {
  readonly entries: AuditEntry[] = [];

  async append(entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void> {
    this.entries.push({ ...entry, id: this.entries.length + 1, at: new Date().toISOString() });
  }

  async list({ before, limit }: { before: number | undefined; limit: number }): Promise<AuditEntry[]> {
    return this.entries
      .filter(({ id }) => before === undefined || id < before)
      .reverse()
      .slice(0, limit);
  }
}

/** What the database would hold, as plain lists. */
export class RecordsInMemory implements ReadModel {
  readonly sources: SourceEndpoint[] = [];
  readonly targets: TargetEndpoint[] = [];
  readonly workloads: Workload[] = [];
  readonly jobs: Job[] = [];
  available = true;

  async listSources() {
    return this.sources;
  }
  async listTargets() {
    return this.targets;
  }
  async listVolumes() {
    return [];
  }
  async listWorkloads() {
    return this.workloads;
  }
  async getWorkload(id: string) {
    return this.workloads.find((workload) => workload.id === id);
  }
  async listJobs({ state, limit }: Parameters<ReadModel['listJobs']>[0]) {
    return this.jobs.filter((job) => state === undefined || job.state === state).slice(0, limit);
  }
  async getJob(id: string) {
    return this.jobs.find((job) => job.id === id);
  }
  async ping() {
    if (!this.available) throw new OsseaError('database.unavailable', 'The database does not answer.');
  }
}

/** Stored and live events, with the resuming that the contract promises. */
export class EventsInMemory {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly stored: NumberedEvent[] = [];
  readers = 0;

  publish(event: AgentEvent): void {
    const id = event.kind === 'progress' ? undefined : this.stored.length + 1;
    const numbered = { id, event };
    if (id !== undefined) this.stored.push(numbered);
    this.#emitter.emit('event', numbered);
  }

  async *read(afterId: number | undefined, signal: AbortSignal): AsyncGenerator<NumberedEvent> {
    const live: AsyncIterable<NumberedEvent[]> = on(this.#emitter, 'event', { signal });
    this.readers += 1;
    try {
      if (afterId !== undefined) yield* this.stored.filter(({ id }) => (id ?? 0) > afterId);
      for await (const [numbered] of live) if (numbered) yield numbered;
    } finally {
      this.readers -= 1;
    }
  }
}

/** An engine that does only what a test tells it to. */
export function engineOf(events: EventsInMemory, operations: Partial<Engine> = {}): Engine {
  const refuse = (): never => {
    throw new OsseaError('request.conflict', 'This test does not expect the operation.');
  };
  return {
    launch: async () => undefined,
    shutdown: async () => undefined,
    probeCertificate: refuse,
    createSource: refuse,
    updateSource: refuse,
    deleteSource: refuse,
    testSource: refuse,
    inventory: refuse,
    createTarget: refuse,
    updateTarget: refuse,
    deleteTarget: refuse,
    testTarget: refuse,
    discoverTarget: refuse,
    addWorkloads: refuse,
    updateWorkload: refuse,
    readiness: refuse,
    replication: refuse,
    startReplicate: refuse,
    startVerify: refuse,
    cancelJob: refuse,
    pauseJob: refuse,
    listOrphans: async () => [],
    startCleanup: refuse,
    failovers: {
      list: async () => [],
      require: refuse,
      plan: refuse,
      startTest: refuse,
      startLive: refuse,
      retry: refuse,
      commit: refuse,
      rollBack: refuse,
      cleanUp: refuse,
      cancel: refuse,
      answer: refuse,
      extend: refuse,
      markTested: refuse,
      screenshot: refuse,
      report: refuse,
      reportPdf: refuse,
      reportKey: refuse,
    },
    getLimits: async () => ({ concurrentJobs: 2, concurrentDisks: 4 }),
    putLimits: async (limits) => limits,
    events: (afterId, signal) => events.read(afterId, signal),
    ...operations,
  };
}

/** A served API whose every part a test can look at. */
export interface TestApi extends AsyncDisposable {
  readonly folder: string;
  readonly apiSocket: string;
  readonly adminSocket: string;
  readonly tokens: TokensInMemory;
  readonly audit: AuditInMemory;
  readonly records: RecordsInMemory;
  readonly events: EventsInMemory;
  readonly leases: Leases;
  readonly sealedLeases: SealedLeasesInMemory;
  /** Every line that was logged. */
  readonly log: string[];
  readonly apps: readonly FastifyInstance[];
}

/** Serves the API on two real sockets in a new folder. */
export async function serveTestApi(
  operations: Partial<Engine> = {},
  options: Partial<ServerOptions> = {},
): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'ossea-api-'));
  const tokens = new TokensInMemory();
  const audit = new AuditInMemory();
  const records = new RecordsInMemory();
  const events = new EventsInMemory();
  const sealedLeases = new SealedLeasesInMemory();
  const leases = await Leases.open({ sealedLeases, keyFile: join(folder, 'lease.key') });
  const log: string[] = [];
  const output = new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk));
      done();
    },
  });
  const logger = createLogger({ level: 'debug', redact: (line) => leases.redact(line), output });
  const services: ApiServices = {
    engine: engineOf(events, operations),
    leases,
    tokens,
    audit,
    read: records,
    version: '0.0.0-test',
    ready: Promise.resolve(),
    doctor: async () => ({ at: new Date().toISOString(), version: '0.0.0-test', checks: [] }),
    health: () =>
      readHealth({ read: records, leases, version: '0.0.0-test', startedAt: new Date(), starting: false }),
  };
  const metrics = new AgentMetrics(records);
  const apiSocket = join(folder, 'api.sock');
  const adminSocket = join(folder, 'admin.sock');
  const api = await buildServer({ door: 'api', services, metrics, logger, ...options });
  const admin = await buildServer({ door: 'admin', services, metrics, logger, ...options });
  await listenOnSocket(api, apiSocket, 0o660);
  await listenOnSocket(admin, adminSocket, 0o600);
  return {
    folder,
    apiSocket,
    adminSocket,
    tokens,
    audit,
    records,
    events,
    leases,
    sealedLeases,
    log,
    apps: [api, admin],
    async [Symbol.asyncDispose]() {
      await Promise.all([api.close(), admin.close()]);
      leases[Symbol.dispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers: Record<string, unknown>;
}

/** A request with whatever a test wants to send, valid or not. */
export async function send(
  socketPath: string,
  request: {
    method?: string;
    path: string;
    token?: string;
    body?: string;
    headers?: Record<string, string>;
  },
): Promise<Answer> {
  const { method = 'GET', path, token, body, headers = {} } = request;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        socketPath,
        method,
        path,
        agent: false,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
          ...headers,
        },
      },
      (response) => {
        text(response).then(
          (content) =>
            resolve({
              status: response.statusCode ?? 0,
              type: String(response.headers['content-type'] ?? ''),
              text: content,
              headers: response.headers,
            }),
          reject,
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
