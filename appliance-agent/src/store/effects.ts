import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Database } from './database.ts';
import type { EffectKind, Schema } from './schema.ts';

/** Something that a job makes outside of the process, other than volumes, which have records of their own. */
export interface Effect {
  readonly id: string;
  readonly jobId: string;
  readonly kind: EffectKind;
  /** The name under which it can be found again outside. */
  readonly token: string;
  readonly endpointId: string;
  readonly workloadId: string;
  /** The failover that it belongs to, which may span several jobs. */
  readonly failoverId: string | undefined;
  /** Undefined until it is known, such as a snapshot's MoRef. */
  readonly externalId: string | undefined;
  /** `intended` is written before it is done: it may or may not exist. */
  readonly state: 'intended' | 'done' | 'undone';
  readonly detail: unknown;
  readonly createdAt: Date;
}

export interface IntendedEffect extends Effect {
  /** True where nothing can have been done yet: the intent is of this call. */
  readonly isNew: boolean;
}

/** The ledger of effects: intents are here before anything is done outside. */
export class Effects {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Writes an intent down, or finds the one that an earlier process, or an earlier attempt of this one, wrote. */
  async intend(
    effect: Pick<Effect, 'jobId' | 'kind' | 'token' | 'endpointId' | 'workloadId'> & {
      readonly failoverId?: string | undefined;
      readonly detail?: unknown;
    },
  ): Promise<IntendedEffect> {
    const id = randomUUID();
    const { jobId, kind, token, endpointId, workloadId, failoverId, detail } = effect;
    const row = await this.#database.query((db) =>
      db
        .insertInto('effects')
        .values({
          id,
          job_id: jobId,
          kind,
          token,
          endpoint_id: endpointId,
          workload_id: workloadId,
          failover_id: failoverId ?? null,
          state: 'intended',
          detail: JSON.stringify(detail ?? null),
          created_at: new Date(),
        })
        .onConflict((conflict) => conflict.columns(['job_id', 'kind', 'token']).doUpdateSet({ token }))
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
    return { ...effectOf(row), isNew: row.id === id };
  }

  async markDone(id: string, externalId: string, detail?: unknown): Promise<void> {
    await this.#database.query((db) =>
      db
        .updateTable('effects')
        .set({
          state: 'done',
          external_id: externalId,
          ...(detail !== undefined && { detail: JSON.stringify(detail) }),
        })
        .where('id', '=', id)
        .execute(),
    );
  }

  async markUndone(id: string): Promise<void> {
    await this.#database.query((db) =>
      db.updateTable('effects').set({ state: 'undone' }).where('id', '=', id).execute(),
    );
  }

  async get(id: string): Promise<Effect | undefined> {
    const row = await this.#database.query((db) =>
      db.selectFrom('effects').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    return row && effectOf(row);
  }

  /** Says that something may exist again that was taken for undone. */
  async reopen(id: string): Promise<void> {
    await this.#database.query((db) =>
      db.updateTable('effects').set({ state: 'intended' }).where('id', '=', id).execute(),
    );
  }

  /** What failovers made at an endpoint, undone or not; newest first, the last thousand. */
  async ofFailovers(endpointId: string): Promise<Effect[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('effects')
        .selectAll()
        .where('endpoint_id', '=', endpointId)
        .where('failover_id', 'is not', null)
        .orderBy('created_at', 'desc')
        .limit(1000)
        .execute(),
    );
    return rows.map(effectOf);
  }

  /** What may still exist outside, oldest first. */
  async listOpen(
    of: {
      readonly workloadId?: string;
      readonly jobId?: string;
      readonly failoverId?: string;
      readonly kind?: EffectKind;
    } = {},
  ): Promise<Effect[]> {
    const rows = await this.#database.query((db) => {
      let query = db.selectFrom('effects').selectAll().where('state', '<>', 'undone').orderBy('created_at');
      if (of.workloadId !== undefined) query = query.where('workload_id', '=', of.workloadId);
      if (of.jobId !== undefined) query = query.where('job_id', '=', of.jobId);
      if (of.failoverId !== undefined) query = query.where('failover_id', '=', of.failoverId);
      if (of.kind !== undefined) query = query.where('kind', '=', of.kind);
      return query.execute();
    });
    return rows.map(effectOf);
  }
}

function effectOf(row: Selectable<Schema['effects']>): Effect {
  return {
    id: row.id,
    jobId: row.job_id,
    kind: row.kind,
    token: row.token,
    endpointId: row.endpoint_id,
    workloadId: row.workload_id,
    failoverId: row.failover_id ?? undefined,
    externalId: row.external_id ?? undefined,
    state: row.state,
    detail: row.detail,
    createdAt: row.created_at,
  };
}
