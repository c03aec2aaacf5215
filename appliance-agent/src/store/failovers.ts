import type { Selectable } from 'kysely';
import { z } from 'zod';
import { Failover, type FailoverKind, type FailoverState, OsseaError } from '../contract/index.ts';
import type { CutoverMeasures } from '../plan/forecast.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

const Measures = z.object({
  shutdownSeconds: z.number().optional(),
  conversionSeconds: z.number().optional(),
  vmSeconds: z.number().optional(),
});

/** States in which nothing of a failover is to be done any more. */
export const endedFailoverStates = [
  'committed',
  'rolled-back',
  'cleaned',
  'expired',
] as const satisfies readonly FailoverState[];

export interface FailoverQuery {
  readonly workloadId?: string | undefined;
  readonly state?: FailoverState | undefined;
  readonly limit: number;
}

/** Test and live failovers, with what their workflows remember. */
export class Failovers {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Writes a failover down. The same id again changes nothing.
   * @throws OsseaError `request.conflict` where another one of the kind stands
   */
  async create(failover: Failover): Promise<Failover> {
    const inserted = await this.#database.query((db) =>
      db
        .insertInto('failovers')
        .values({
          id: failover.id,
          workload_id: failover.workloadId,
          kind: failover.kind,
          state: failover.state,
          record: JSON.stringify(failover),
          memory: '{}',
          created_at: failover.createdAt,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .execute(),
    );
    if (inserted.length === 0 && !(await this.get(failover.id))) throw await this.#standing(failover);
    return this.require(failover.id);
  }

  async get(id: string): Promise<Failover | undefined> {
    const row = await this.#database.query((db) =>
      db.selectFrom('failovers').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    return row && failoverOf(row);
  }

  /** @throws OsseaError `request.not-found` */
  async require(id: string): Promise<Failover> {
    const failover = await this.get(id);
    if (failover) return failover;
    throw new OsseaError('request.not-found', `There is no failover ${id}.`, {
      field: 'id',
      value: id,
      remedy: 'List the failovers again.',
    });
  }

  /** Newest first. */
  async list({ workloadId, state, limit }: FailoverQuery): Promise<Failover[]> {
    const rows = await this.#database.query((db) => {
      let query = db.selectFrom('failovers').selectAll().orderBy('created_at', 'desc').limit(limit);
      if (workloadId !== undefined) query = query.where('workload_id', '=', workloadId);
      if (state !== undefined) query = query.where('state', '=', state);
      return query.execute();
    });
    return rows.map(failoverOf);
  }

  /** Those of which something is still to be done or decided, oldest first. */
  async listOpen(
    of: { readonly workloadId?: string; readonly kind?: FailoverKind } = {},
  ): Promise<Failover[]> {
    const rows = await this.#database.query((db) => {
      let query = db
        .selectFrom('failovers')
        .selectAll()
        .where('state', 'not in', endedFailoverStates)
        .orderBy('created_at');
      if (of.workloadId !== undefined) query = query.where('workload_id', '=', of.workloadId);
      if (of.kind !== undefined) query = query.where('kind', '=', of.kind);
      return query.execute();
    });
    return rows.map(failoverOf);
  }

  /** Changes members; undefined takes one back. */
  async update(
    id: string,
    change: { readonly [K in keyof Failover]?: Failover[K] | undefined },
  ): Promise<Failover> {
    return this.#database.transaction(async (db) => {
      const row = await db
        .selectFrom('failovers')
        .selectAll()
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirstOrThrow();
      const record = Failover.parse(JSON.parse(JSON.stringify({ ...row.record, ...change })));
      await db
        .updateTable('failovers')
        .set({ record: JSON.stringify(record), state: record.state })
        .where('id', '=', id)
        .execute();
      return record;
    });
  }

  /** What the workflows of a failover remember; small, and without secrets. */
  async memory(id: string): Promise<Record<string, unknown>> {
    const row = await this.#database.query((db) =>
      db.selectFrom('failovers').select('memory').where('id', '=', id).executeTakeFirst(),
    );
    return Object(row?.memory ?? {});
  }

  /** Adds members to what is remembered. */
  async remember(id: string, members: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#database.transaction(async (db) => {
      const row = await db
        .selectFrom('failovers')
        .select('memory')
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirstOrThrow();
      const memory = JSON.stringify({ ...Object(row.memory), ...members });
      await db.updateTable('failovers').set({ memory }).where('id', '=', id).execute();
    });
  }

  /** Notes how long a part of a cutover took. Seconds. */
  async measure(id: string, measures: CutoverMeasures): Promise<void> {
    const { measures: before } = await this.memory(id);
    await this.remember(id, { measures: { ...Object(before), ...measures } });
  }

  /** What failovers of a workload measured, each part by the latest that did. */
  async measures(workloadId: string): Promise<CutoverMeasures> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('failovers')
        .select('memory')
        .where('workload_id', '=', workloadId)
        .orderBy('created_at')
        .execute(),
    );
    return Object.assign({}, ...rows.map(({ memory }) => Measures.safeParse(Object(memory).measures).data));
  }

  /** The console's picture, PNG. */
  async putScreenshot(id: string, png: Buffer): Promise<void> {
    await this.#database.query((db) =>
      db.updateTable('failovers').set({ screenshot: png }).where('id', '=', id).execute(),
    );
  }

  async screenshot(id: string): Promise<Buffer | undefined> {
    const row = await this.#database.query((db) =>
      db.selectFrom('failovers').select('screenshot').where('id', '=', id).executeTakeFirst(),
    );
    return row?.screenshot ?? undefined;
  }

  async #standing({ workloadId, kind, workloadName }: Failover): Promise<OsseaError> {
    const [other] = await this.listOpen({ workloadId, kind });
    return new OsseaError(
      'request.conflict',
      `A ${kind} failover of ${workloadName} stands already (${other?.state ?? 'just ended'}).`,
      {
        value: other?.id,
        remedy: kind === 'test' ? 'End it first.' : 'Commit it, roll it back or clean it up first.',
      },
    );
  }
}

function failoverOf({ record }: Selectable<Schema['failovers']>): Failover {
  return Failover.parse(record);
}
