import { CycleRecord } from '../contract/index.ts';
import type { Database } from './database.ts';

/** Complete cycles of replication: what churn, RPO and forecasts are told from. */
export class Cycles {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The same cycle again replaces what was told of it. */
  async put(workloadId: string, cycle: CycleRecord): Promise<void> {
    const record = JSON.stringify(cycle);
    await this.#database.query((db) =>
      db
        .insertInto('cycles')
        .values({ workload_id: workloadId, job_id: cycle.jobId, point_at: cycle.pointAt, record })
        .onConflict((conflict) =>
          conflict.columns(['workload_id', 'job_id', 'point_at']).doUpdateSet({ record }),
        )
        .execute(),
    );
  }

  /** Newest first; last those that a clock which was set back since dates later than now. */
  async list(workloadId: string, limit: number): Promise<CycleRecord[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('cycles')
        .select('record')
        .where('workload_id', '=', workloadId)
        .orderBy(({ eb }) => eb('point_at', '>', new Date()))
        .orderBy('point_at', 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map(({ record }) => CycleRecord.parse(record));
  }
}
