import type { Selectable } from 'kysely';
import type {
  DiskProgress,
  DiskReport,
  Job,
  JobKind,
  JobState,
  JobStep,
  Problem,
  WaitReason,
} from '../contract/index.ts';
import { OsseaError } from '../contract/index.ts';
import type { Database, Queryable } from './database.ts';
import { jobOf } from './records.ts';
import type { JobLane, Schema } from './schema.ts';

/** States in which a job holds its workload. */
export const activeStates = ['queued', 'running', 'waiting'] as const satisfies readonly JobState[];

export interface JobQuery {
  readonly workloadId?: string | undefined;
  readonly state?: JobState | undefined;
  readonly kind?: JobKind | undefined;
  readonly limit: number;
}

/** The lane of a kind of job. */
export function laneOf(kind: JobKind, request: unknown): JobLane {
  if (kind === 'test-failover') return 'test';
  // A test's cleanup leaves the replica alone, a live failover's brings it back.
  if (kind === 'failover-cleanup' && Object(request).of === 'test') return 'test';
  return 'replica';
}

/** What is kept of a job besides what the contract shows. */
export interface JobFacts {
  readonly id: string;
  readonly kind: JobKind;
  readonly workloadId: string | undefined;
  readonly state: JobState;
  readonly request: unknown;
  readonly createdBy: string;
  readonly cancelRequested: boolean;
  readonly paused: boolean;
}

export interface JobChange {
  readonly state?: JobState | undefined;
  /** Null: waits for nothing any more. */
  readonly waitReason?: WaitReason | null | undefined;
  readonly message?: string | null | undefined;
  readonly problem?: Problem | null | undefined;
}

const ended: readonly JobState[] = ['succeeded', 'failed', 'cancelled'];

/** Jobs, their steps, and the progress and evidence of their disks. */
export class Jobs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Writes a job down as queued.
   * @throws OsseaError `job.running` where the workload has an active job
   */
  async create(job: {
    readonly id: string;
    readonly kind: JobKind;
    readonly workload: { readonly id: string; readonly name: string } | undefined;
    readonly request: unknown;
    readonly createdBy: string;
    readonly steps: readonly { readonly name: string; readonly title: string }[];
  }): Promise<Job> {
    await this.#database.transaction(async (db) => {
      const inserted = await db
        .insertInto('jobs')
        .values({
          id: job.id,
          kind: job.kind,
          lane: laneOf(job.kind, job.request),
          workload_id: job.workload?.id ?? null,
          workload_name: job.workload?.name ?? null,
          state: 'queued',
          request: JSON.stringify(job.request ?? null),
          created_by: job.createdBy,
          created_at: new Date(),
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .execute();
      if (inserted.length === 0) {
        const same = await db.selectFrom('jobs').select('id').where('id', '=', job.id).executeTakeFirst();
        if (!same) throw await runningError(db, job.workload, laneOf(job.kind, job.request));
      }
      for (const [ordinal, { name, title }] of job.steps.entries()) {
        await db
          .insertInto('job_steps')
          .values({ job_id: job.id, ordinal, name, title, state: 'pending' })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    });
    const created = await this.get(job.id);
    if (!created) throw new Error(`The job ${job.id} was not kept`);
    return created;
  }

  get(id: string): Promise<Job | undefined> {
    return this.#database.query(async (db) => {
      const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? (await complete(db, [row]))[0] : undefined;
    });
  }

  facts(id: string): Promise<JobFacts | undefined> {
    return this.#database.query(async (db) => {
      const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? factsOf(row) : undefined;
    });
  }

  /** Newest first. */
  list({ workloadId, state, kind, limit }: JobQuery): Promise<Job[]> {
    return this.#database.query(async (db) => {
      let query = db.selectFrom('jobs').selectAll().orderBy('created_at', 'desc').limit(limit);
      if (workloadId !== undefined) query = query.where('workload_id', '=', workloadId);
      if (state !== undefined) query = query.where('state', '=', state);
      if (kind !== undefined) query = query.where('kind', '=', kind);
      return complete(db, await query.execute());
    });
  }

  /** Jobs that have not ended, oldest first. */
  listActive(): Promise<JobFacts[]> {
    return this.#database.query(async (db) => {
      const rows = await db
        .selectFrom('jobs')
        .selectAll()
        .where('state', 'in', activeStates)
        .orderBy('created_at')
        .execute();
      return rows.map(factsOf);
    });
  }

  /** The id of the active job on the workload's replica. */
  activeOf(workloadId: string): Promise<string | undefined> {
    return this.#database.query(async (db) => {
      const row = await db
        .selectFrom('jobs')
        .select('id')
        .where('workload_id', '=', workloadId)
        .where('lane', '=', 'replica')
        .where('state', 'in', activeStates)
        .executeTakeFirst();
      return row?.id;
    });
  }

  /** Changes a job that has not ended; one that has stays as it is. Start and end are timed by the state. */
  async update(id: string, change: JobChange): Promise<void> {
    const { state, waitReason, message, problem } = change;
    await this.#database.query((db) =>
      db
        .updateTable('jobs')
        .set((eb) => ({
          ...(state !== undefined && { state }),
          ...(state === 'running' && { started_at: eb.fn.coalesce('started_at', eb.val(new Date())) }),
          ...(state !== undefined && ended.includes(state) && { ended_at: new Date() }),
          ...(waitReason !== undefined && { wait_reason: waitReason }),
          ...(message !== undefined && { message }),
          ...(problem !== undefined && { problem: problem === null ? null : JSON.stringify(problem) }),
        }))
        .where('id', '=', id)
        .where('state', 'in', activeStates)
        .execute(),
    );
  }

  /** Remembers that someone wants the job ended, for a process that is started meanwhile. */
  async requestCancel(id: string): Promise<void> {
    await this.#database.query((db) =>
      db
        .updateTable('jobs')
        .set({ cancel_requested_at: new Date() })
        .where('id', '=', id)
        .where('state', 'in', activeStates)
        .execute(),
    );
  }

  /** @throws OsseaError `request.conflict` where the job does not go on any more */
  async setPaused(id: string, paused: boolean): Promise<void> {
    const [changed] = await this.#database.query((db) =>
      db
        .updateTable('jobs')
        .set({ paused })
        .where('id', '=', id)
        .where('state', 'in', activeStates)
        .execute(),
    );
    if (changed?.numUpdatedRows) return;
    throw new OsseaError('request.conflict', `The job ${id} has ended, or there is none.`, {
      field: 'id',
      value: id,
      remedy: 'List the jobs again.',
    });
  }

  /** Changes a step; the first start and the last end count. */
  async updateStep(
    jobId: string,
    name: string,
    change: { readonly state: JobStep['state']; readonly message?: string | null | undefined },
  ): Promise<void> {
    const { state, message } = change;
    await this.#database.query((db) =>
      db
        .updateTable('job_steps')
        .set((eb) => ({
          state,
          ...(state === 'running' && { started_at: eb.fn.coalesce('started_at', eb.val(new Date())) }),
          ...((state === 'done' || state === 'failed' || state === 'skipped') && { ended_at: new Date() }),
          ...(message !== undefined && { message }),
        }))
        .where('job_id', '=', jobId)
        .where('name', '=', name)
        .execute(),
    );
  }

  async putProgress(jobId: string, disks: readonly DiskProgress[]): Promise<void> {
    await this.#database.transaction(async (db) => {
      for (const disk of disks) {
        const progress = JSON.stringify(disk);
        await db
          .insertInto('job_disks')
          .values({ job_id: jobId, device_key: disk.key, progress })
          .onConflict((conflict) => conflict.columns(['job_id', 'device_key']).doUpdateSet({ progress }))
          .execute();
      }
    });
  }

  async putReport(jobId: string, disk: DiskReport): Promise<void> {
    const report = JSON.stringify(disk);
    await this.#database.query((db) =>
      db
        .insertInto('job_disks')
        .values({ job_id: jobId, device_key: disk.key, report })
        .onConflict((conflict) => conflict.columns(['job_id', 'device_key']).doUpdateSet({ report }))
        .execute(),
    );
  }
}

function factsOf(row: Selectable<Schema['jobs']>): JobFacts {
  return {
    id: row.id,
    kind: row.kind,
    workloadId: row.workload_id ?? undefined,
    state: row.state,
    request: row.request,
    createdBy: row.created_by,
    cancelRequested: row.cancel_requested_at !== null,
    paused: row.paused,
  };
}

async function complete(db: Queryable, rows: readonly Selectable<Schema['jobs']>[]): Promise<Job[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const steps = await db
    .selectFrom('job_steps')
    .selectAll()
    .where('job_id', 'in', ids)
    .orderBy('ordinal')
    .execute();
  const disks = await db
    .selectFrom('job_disks')
    .selectAll()
    .where('job_id', 'in', ids)
    .orderBy('device_key')
    .execute();
  return rows.map((row) =>
    jobOf(
      row,
      steps.filter(({ job_id }) => job_id === row.id),
      disks.filter(({ job_id }) => job_id === row.id),
    ),
  );
}

async function runningError(
  db: Queryable,
  workload: { id: string; name: string } | undefined,
  lane: JobLane,
): Promise<OsseaError> {
  const other = workload
    ? await db
        .selectFrom('jobs')
        .select(['id', 'kind'])
        .where('workload_id', '=', workload.id)
        .where('lane', '=', lane)
        .where('state', 'in', activeStates)
        .executeTakeFirst()
    : undefined;
  return new OsseaError(
    'job.running',
    `${workload?.name ?? 'The agent'} has an active job already: ${other ? `${other.kind} ${other.id}` : 'unknown'}.`,
    { value: other?.id, remedy: 'Wait for its end, or cancel it.' },
  );
}
