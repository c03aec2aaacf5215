import { sql } from 'kysely';
import { Schedule } from '../contract/index.ts';
import type { RunHistory } from '../plan/schedule.ts';
import type { Database } from './database.ts';
import { endedFailoverStates } from './failovers.ts';
import { activeStates } from './jobs.ts';

/** A workload that its schedule may replicate. */
export interface ScheduledWorkload {
  readonly id: string;
  readonly schedule: Schedule;
  readonly history: RunHistory;
}

/** Runs that are looked at for failures in a row; more make no longer pause. */
const rememberedRuns = 12;

/** Which workloads are replicated by themselves, and how their last runs went. */
export class Schedules {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Those that no job and no failover keeps from being replicated. */
  async listFree(): Promise<ScheduledWorkload[]> {
    const workloads = await this.#database.query((db) =>
      db
        .selectFrom('workloads')
        .select(['id', 'settings', 'created_at', 'schedule_since'])
        .where(sql<boolean>`coalesce(settings -> 'schedule' ->> 'kind', 'manual') <> 'manual'`)
        .where('state', 'in', ['managed', 'protected', 'testing'])
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('jobs')
                .select('jobs.id')
                .whereRef('jobs.workload_id', '=', 'workloads.id')
                .where('jobs.lane', '=', 'replica')
                .where('jobs.state', 'in', activeStates),
            ),
          ),
        )
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('failovers')
                .select('failovers.id')
                .whereRef('failovers.workload_id', '=', 'workloads.id')
                .where('failovers.kind', '=', 'live')
                .where('failovers.state', 'not in', [...endedFailoverStates, 'scheduled']),
            ),
          ),
        )
        .execute(),
    );
    return Promise.all(
      workloads.map(async ({ id, settings, created_at, schedule_since }) => ({
        id,
        schedule: Schedule.parse(settings.schedule),
        history: await this.history(id, schedule_since ?? created_at),
      })),
    );
  }

  /**
   * How the last replications of a workload went. What is dated later than now is from a clock that was set back since, and must not keep the
   * schedule waiting for that time to come.
   * @param since when its schedule was chosen
   */
  async history(workloadId: string, since: Date): Promise<RunHistory> {
    const now = new Date();
    const past = (date: Date | null | undefined) => (date && date <= now ? date : undefined);
    const runs = await this.#database.query((db) =>
      db
        .selectFrom('jobs')
        .select(['state', 'created_at', 'ended_at'])
        .where('workload_id', '=', workloadId)
        .where('kind', '=', 'replicate')
        .where('created_at', '<=', now)
        .orderBy('created_at', 'desc')
        .limit(rememberedRuns)
        .execute(),
    );
    const last = runs[0];
    const good = runs.findIndex(({ state }) => state !== 'failed');
    return {
      since: past(since) ?? new Date(0),
      lastStartedAt: last?.created_at,
      lastEndedAt: past(last?.ended_at),
      failures: good < 0 ? runs.length : good,
    };
  }

  /** When the workload's schedule was chosen. */
  async since(workloadId: string): Promise<Date> {
    const row = await this.#database.query((db) =>
      db
        .selectFrom('workloads')
        .select(['created_at', 'schedule_since'])
        .where('id', '=', workloadId)
        .executeTakeFirstOrThrow(),
    );
    return row.schedule_since ?? row.created_at;
  }

  /** Notes that a schedule was chosen now. */
  async begin(workloadId: string): Promise<void> {
    await this.#database.query((db) =>
      db.updateTable('workloads').set({ schedule_since: new Date() }).where('id', '=', workloadId).execute(),
    );
  }
}
