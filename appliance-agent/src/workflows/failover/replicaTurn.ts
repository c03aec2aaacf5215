import { orAborted } from '../../volumes/turns.ts';
import type { JobRun } from '../jobRun.ts';

interface Holder {
  /** What the holder does, as a sentence. */
  readonly purpose: string;
  readonly released: Promise<void>;
}

/** A held turn; disposing it lets the next one go on. */
export interface ReplicaTurn extends Disposable {}

/**
 * Who may touch the replica volumes of a workload. A cycle holds its turn from its first write until the volumes are detached again; a test
 * failover, whose jobs run beside those of the replica, takes one for the moment in which it snapshots the volumes. One agent
 * runs per database, so turns within the process are enough; after a restart each job that goes on takes its turn anew, and what says whether the
 * volumes show one point is in the database: `Workloads.replicaTornSince`.
 */
export class ReplicaTurns {
  readonly #last = new Map<string, Holder>();

  /**
   * Waits for the turn and holds it. Not within a durable step, unless the turn ends with it.
   * @param purpose what is done meanwhile, as a sentence that those who wait are told, such as `The replication writes to the volumes.`
   */
  async take(
    run: Pick<JobRun, 'waiting'>,
    workloadId: string,
    purpose: string,
    signal: AbortSignal,
  ): Promise<ReplicaTurn> {
    const before = this.#last.get(workloadId);
    const { promise, resolve } = Promise.withResolvers<void>();
    // Whoever comes next waits for all before it, also where this one gives up waiting.
    const mine: Holder = { purpose, released: (before?.released ?? Promise.resolve()).then(() => promise) };
    this.#last.set(workloadId, mine);
    const turn: ReplicaTurn = {
      [Symbol.dispose]: () => {
        resolve();
      },
    };
    void mine.released.then(() => {
      if (this.#last.get(workloadId) === mine) this.#last.delete(workloadId);
    });
    if (!before) return turn;
    try {
      await run.waiting('replica', before.purpose);
      await orAborted(before.released, signal);
      await run.waiting(undefined);
      return turn;
    } catch (error) {
      turn[Symbol.dispose]();
      throw error;
    }
  }
}
