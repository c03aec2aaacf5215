import { setTimeout } from 'node:timers/promises';
import type { Failover } from '../../contract/index.ts';
import type { WorkflowParts } from '../parts.ts';

/** How often the time is compared. Milliseconds. */
const intervalMs = 2_000;
/** After an end that failed, the next attempt. Milliseconds. */
const retryMs = 15 * 60_000;

/** Ends tests by themselves when their time is over, also where that passed while the agent was not running. */
export class TestLeases {
  readonly #parts: WorkflowParts;
  readonly #end: (failover: Failover) => Promise<unknown>;
  readonly #stop = new AbortController();
  readonly #lastTry = new Map<string, number>();
  #watching: Promise<void> = Promise.resolve();

  constructor(parts: WorkflowParts, end: (failover: Failover) => Promise<unknown>) {
    this.#parts = parts;
    this.#end = end;
  }

  launch(): void {
    this.#watching = this.#watch();
  }

  async shutdown(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await setTimeout(intervalMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.#endExpired().catch((error: unknown) => {
        this.#parts.logger.debug({ error: String(error) }, 'leases of tests cannot be looked at now');
      });
    }
  }

  async #endExpired(): Promise<void> {
    const { store, logger } = this.#parts;
    const now = Date.now();
    for (const failover of await store.failovers.listOpen({ kind: 'test' })) {
      const { id, state, leaseEndsAt, workloadName } = failover;
      if (leaseEndsAt === undefined || Date.parse(leaseEndsAt) > now) continue;
      if (state !== 'active' && state !== 'interrupted') continue;
      if (now - (this.#lastTry.get(id) ?? 0) < retryMs) continue;
      this.#lastTry.set(id, now);
      logger.info({ failover: id, workload: workloadName, leaseEndsAt }, 'a test’s time is over');
      await this.#end(failover).catch((error: unknown) => {
        logger.warn({ failover: id, error: String(error) }, 'a test whose time is over could not be ended');
      });
    }
  }
}
