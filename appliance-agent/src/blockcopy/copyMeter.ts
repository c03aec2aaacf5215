import type { DiskProgress } from '../contract/index.ts';
import type { Journal } from './journal.ts';
import type { JournalCounters } from './journalFormat.ts';

/** The counters of `DiskProgress` that the engine knows. */
export type CopyProgress = Omit<DiskProgress, 'key' | 'label' | 'transport'>;

/** Where a chunk's buffer is, or what a copy without any buffer in use waits for. */
export type Activity = 'source' | 'target' | 'throttle';

/** The rate forgets so quickly. */
const rateSeconds = 5;
/** A rate over less time would tell more of the first burst than of the source. */
const leastAverageMs = 250;

/** What a run of a copy means to read. */
interface Plan {
  /** Bytes, as they are known now. */
  readonly plannedBytes: number;
  /** True where what earlier runs made safe has to be read again, as from a stream. */
  readonly startsOver?: boolean;
}

/** Counts what a copy does, over all runs of its point. */
export class CopyMeter {
  readonly #journal: Journal;
  readonly #plan: Plan;
  readonly #counters: { -readonly [name in keyof JournalCounters]: number };
  readonly #startedPlanBytes: number;
  readonly #startedReadBytes: number;
  readonly #startedAt = performance.now();
  readonly #busy = { source: 0, target: 0, throttle: 0 };
  readonly #spentMs = { source: 0, digest: 0, target: 0, throttle: 0 };
  #changedAt = performance.now();
  #ratedAt = performance.now();
  #ratedBytes: number;
  #rate: number | undefined;

  constructor(journal: Journal, plan: Plan) {
    this.#journal = journal;
    this.#plan = plan;
    this.#counters = { ...journal.counters };
    // What an earlier run had read but not made safe is read again now.
    const { readBytes, keptBytes } = this.#counters;
    this.#counters.rereadBytes = plan.startsOver ? readBytes : readBytes - keptBytes;
    this.#startedPlanBytes = plan.startsOver ? 0 : keptBytes;
    this.#startedReadBytes = this.#counters.readBytes;
    this.#ratedBytes = this.#counters.readBytes;
  }

  get counters(): Readonly<JournalCounters> {
    return this.#counters;
  }

  /** Bytes that this point needs to read: by earlier runs, and by this one. */
  get plannedBytes(): number {
    return this.#startedPlanBytes + this.#plan.plannedBytes;
  }

  /** What this run reads in so long a time, on average since its start; at first, when no average can be told, less. */
  bytesWithin(milliseconds: number): number {
    const elapsedMs = Math.max(leastAverageMs, performance.now() - this.#startedAt);
    return ((this.#counters.readBytes - this.#startedReadBytes) / elapsedMs) * milliseconds;
  }

  count(name: Exclude<keyof JournalCounters, 'pointNumber' | 'rereadBytes'>, amount: number): void {
    this.#counters[name] += amount;
  }

  begin(activity: Activity): void {
    this.#account();
    this.#busy[activity] += 1;
  }

  end(activity: Activity): void {
    this.#account();
    this.#busy[activity] -= 1;
  }

  /** Runs work that keeps this thread busy. */
  digest<T>(work: () => T): T {
    this.#account();
    const result = work();
    const now = performance.now();
    this.#spentMs.digest += now - this.#changedAt;
    this.#changedAt = now;
    return result;
  }

  progress(phase: CopyProgress['phase']): CopyProgress {
    const { readBytes, writtenBytes, skippedBytes, rereadBytes, keptBytes } = this.#counters;
    const rate = this.#measureRate(readBytes);
    const plannedBytes = this.plannedBytes;
    return {
      phase,
      capacityBytes: this.#journal.capacityBytes,
      plannedBytes,
      readBytes,
      writtenBytes,
      skippedBytes,
      doneBytes: keptBytes,
      rereadBytes,
      bytesPerSecond: rate,
      ...(rate > 0 && { etaSeconds: Math.max(0, plannedBytes + rereadBytes - readBytes) / rate }),
      waits: this.#waits(),
    };
  }

  /** The time since the last change goes to the activities by how many buffers each holds. */
  #account(): void {
    const now = performance.now();
    const elapsed = now - this.#changedAt;
    this.#changedAt = now;
    const { source, target, throttle } = this.#busy;
    const buffers = source + target;
    if (buffers > 0) {
      this.#spentMs.source += (elapsed * source) / buffers;
      this.#spentMs.target += (elapsed * target) / buffers;
    } else if (throttle > 0) {
      this.#spentMs.throttle += elapsed;
    }
  }

  #measureRate(readBytes: number): number {
    const now = performance.now();
    const seconds = (now - this.#ratedAt) / 1000;
    if (seconds >= 0.1) {
      const measured = (readBytes - this.#ratedBytes) / seconds;
      const weight = this.#rate === undefined ? 1 : 1 - Math.exp(-seconds / rateSeconds);
      this.#rate = (this.#rate ?? 0) * (1 - weight) + measured * weight;
      this.#ratedAt = now;
      this.#ratedBytes = readBytes;
    }
    return this.#rate ?? 0;
  }

  #waits(): NonNullable<CopyProgress['waits']> {
    this.#account();
    const { source, digest, target, throttle } = this.#spentMs;
    const sum = source + digest + target + throttle || 1;
    return { source: source / sum, digest: digest / sum, target: target / sum, throttle: throttle / sum };
  }
}
