import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type AgentEvent, JobState, WaitReason } from '../contract/index.ts';
import type { ReadModel } from './ports.ts';

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
  /** Counters of each disk at its last sample; samples tell sums, Prometheus wants their growth. */
  readonly #last = new Map<string, { readBytes: number; writtenBytes: number; skippedBytes: number }>();

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

  /** Counts what an event tells. */
  observe(event: AgentEvent): void {
    if (event.kind === 'job' && event.job.endedAt !== undefined) {
      for (const disk of event.job.disks) this.#last.delete(`${event.job.id}/${disk.key}`);
    }
    if (event.kind !== 'progress') return;
    for (const disk of event.disks) {
      const name = `${event.jobId}/${disk.key}`;
      const last = this.#last.get(name) ?? { readBytes: 0, writtenBytes: 0, skippedBytes: 0 };
      this.#read.inc(Math.max(0, disk.readBytes - last.readBytes));
      this.#written.inc(Math.max(0, disk.writtenBytes - last.writtenBytes));
      this.#skipped.inc(Math.max(0, disk.skippedBytes - last.skippedBytes));
      this.#last.set(name, disk);
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
