import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type AgentEvent, type DiskProgress, JobState, WaitReason } from '../contract/index.ts';
import type { ReadModel } from './ports.ts';

type Counters = Pick<DiskProgress, 'readBytes' | 'writtenBytes' | 'skippedBytes'>;
const nothingYet: Counters = { readBytes: 0, writtenBytes: 0, skippedBytes: 0 };

/** What the agent tells Prometheus. */
export class AgentMetrics {
  readonly #registry = new Registry();
  readonly #read: Counter;
  readonly #written: Counter;
  readonly #skipped: Counter;
  readonly #databaseUp: Gauge;
  readonly #jobs: Gauge<'state'>;
  readonly #waiting: Gauge<'reason'>;
  readonly #lag: Gauge<'workload'>;
  readonly #records: ReadModel;
  /** Counters of each disk as they were told last; they are told as sums, Prometheus wants their growth. */
  readonly #last = new Map<string, Counters>();
  /** Jobs that began after this process: all that they count is new. Of others only the growth from now on is. */
  readonly #ownJobs = new Set<string>();
  readonly #startedAt = new Date().toISOString();

  constructor(records: ReadModel) {
    this.#records = records;
    const registers = [this.#registry];
    // Event loop lag, memory, CPU, handles.
    collectDefaultMetrics({ register: this.#registry });
    this.#read = new Counter({
      name: 'ossea_source_read_bytes_total',
      help: 'Bytes read from source disks.',
      registers,
    });
    this.#written = new Counter({
      name: 'ossea_target_written_bytes_total',
      help: 'Bytes written to target volumes.',
      registers,
    });
    this.#skipped = new Counter({
      name: 'ossea_skipped_bytes_total',
      help: 'Bytes of holes and zeros that were not written.',
      registers,
    });
    this.#databaseUp = new Gauge({
      name: 'ossea_database_up',
      help: '1 when the database answers; without it the gauges of jobs and lag are left out.',
      registers,
    });
    this.#jobs = new Gauge({ name: 'ossea_jobs', help: 'Jobs by state.', labelNames: ['state'], registers });
    this.#waiting = new Gauge({
      name: 'ossea_waiting_jobs',
      help: 'Waiting jobs by what they wait for.',
      labelNames: ['reason'],
      registers,
    });
    this.#lag = new Gauge({
      name: 'ossea_replica_lag_seconds',
      help: 'How far the replica of a workload is behind its source.',
      labelNames: ['workload'],
      registers,
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    for (const gauge of [this.#jobs, this.#waiting, this.#lag]) gauge.reset();
    try {
      await this.#readRecords();
      this.#databaseUp.set(1);
    } catch {
      this.#databaseUp.set(0);
    }
    return this.#registry.metrics();
  }

  /** Counts what an event tells: samples while a job runs, and the job itself for what no sample came for. */
  observe(event: AgentEvent): void {
    if (event.kind === 'progress') this.#count(event.jobId, event.disks);
    if (event.kind !== 'job') return;
    const { id, createdAt, endedAt, disks } = event.job;
    if (endedAt === undefined && createdAt >= this.#startedAt) this.#ownJobs.add(id);
    this.#count(id, disks);
    if (endedAt === undefined) return;
    this.#ownJobs.delete(id);
    for (const { key } of disks) this.#last.delete(`${id}/${key}`);
  }

  #count(jobId: string, disks: readonly DiskProgress[]): void {
    for (const { key, readBytes, writtenBytes, skippedBytes } of disks) {
      const name = `${jobId}/${key}`;
      const told = { readBytes, writtenBytes, skippedBytes };
      const last = this.#last.get(name) ?? (this.#ownJobs.has(jobId) ? nothingYet : told);
      this.#read.inc(Math.max(0, readBytes - last.readBytes));
      this.#written.inc(Math.max(0, writtenBytes - last.writtenBytes));
      this.#skipped.inc(Math.max(0, skippedBytes - last.skippedBytes));
      this.#last.set(name, told);
    }
  }

  async #readRecords(): Promise<void> {
    for (const state of JobState.options) {
      const query = { workloadId: undefined, kind: undefined, state, limit: 1000 };
      const inState = await this.#records.listJobs(query);
      this.#jobs.set({ state }, inState.length);
      if (state !== 'waiting') continue;
      for (const reason of WaitReason.options) {
        this.#waiting.set({ reason }, inState.filter((job) => job.waitReason === reason).length);
      }
    }
    for (const { name, replicatedUntil } of await this.#records.listWorkloads()) {
      if (replicatedUntil === undefined) continue;
      this.#lag.set({ workload: name }, (Date.now() - Date.parse(replicatedUntil)) / 1000);
    }
  }
}
