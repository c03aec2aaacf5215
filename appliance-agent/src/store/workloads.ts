import { sql } from 'kysely';
import type { WorkloadSettings } from '../contract/index.ts';
import {
  OsseaError,
  type Problem,
  type TransportChoice,
  VirtualMachine,
  type Workload,
} from '../contract/index.ts';
import type { Database, Queryable } from './database.ts';
import { endedFailoverStates } from './failovers.ts';
import { activeStates } from './jobs.ts';
import { type DiskVolume, workloadOf } from './records.ts';
import type { StoredVolume } from './schema.ts';

/** A disk of the source as it is taken down: identity is (instance UUID, device key, backing UUID). */
export interface DiskFacts {
  readonly id: string;
  readonly key: number;
  readonly backingUuid: string | undefined;
  readonly label: string;
  readonly capacityBytes: number;
}

export interface NewWorkload {
  readonly id: string;
  readonly name: string;
  readonly sourceId: string;
  readonly targetId: string;
  readonly instanceUuid: string;
  readonly moRef: string;
  readonly settings: WorkloadSettings;
  readonly disks: readonly DiskFacts[];
}

/** VMs under management, with their disks. */
export class Workloads {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Takes a VM down; false where it is under management already. */
  async create(workload: NewWorkload): Promise<boolean> {
    return this.#database.transaction(async (db) => {
      const inserted = await db
        .insertInto('workloads')
        .values({
          id: workload.id,
          name: workload.name,
          source_id: workload.sourceId,
          target_id: workload.targetId,
          instance_uuid: workload.instanceUuid,
          mo_ref: workload.moRef,
          state: 'managed',
          settings: JSON.stringify(workload.settings),
          created_at: new Date(),
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .execute();
      if (inserted.length === 0) {
        const same = await db
          .selectFrom('workloads')
          .select('id')
          .where('id', '=', workload.id)
          .executeTakeFirst();
        return same !== undefined;
      }
      for (const disk of workload.disks) await insertDisk(db, workload.id, disk);
      return true;
    });
  }

  list(): Promise<Workload[]> {
    return this.#database.query((db) => read(db, undefined));
  }

  async get(id: string): Promise<Workload | undefined> {
    return (await this.#database.query((db) => read(db, { id })))[0];
  }

  /** @throws OsseaError `request.not-found` */
  async require(id: string): Promise<Workload> {
    const workload = await this.get(id);
    if (workload) return workload;
    throw new OsseaError('request.not-found', `There is no workload ${id}.`, {
      remedy: 'List the workloads; it may have been removed.',
    });
  }

  async find(sourceId: string, instanceUuid: string): Promise<Workload | undefined> {
    const row = await this.#database.query((db) =>
      db
        .selectFrom('workloads')
        .select('id')
        .where('source_id', '=', sourceId)
        .where('instance_uuid', '=', instanceUuid)
        .executeTakeFirst(),
    );
    return row && this.get(row.id);
  }

  /** Whether any workload comes from, or goes to, the endpoint. */
  async usesEndpoint(endpointId: string): Promise<string[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('workloads')
        .select('name')
        .where((eb) => eb.or([eb('source_id', '=', endpointId), eb('target_id', '=', endpointId)]))
        .execute(),
    );
    return rows.map(({ name }) => name);
  }

  async update(
    id: string,
    change: {
      readonly settings?: WorkloadSettings | undefined;
      readonly state?: Workload['state'] | undefined;
      readonly attention?: Problem | null | undefined;
      readonly replicatedUntil?: Date | undefined;
      readonly name?: string | undefined;
      readonly moRef?: string | undefined;
    },
  ): Promise<void> {
    const { settings, state, attention, replicatedUntil, name, moRef } = change;
    const values = {
      ...(settings !== undefined && { settings: JSON.stringify(settings) }),
      ...(state !== undefined && { state }),
      ...(attention !== undefined && { attention: attention === null ? null : JSON.stringify(attention) }),
      ...(replicatedUntil !== undefined && { replicated_until: replicatedUntil }),
      ...(name !== undefined && { name }),
      ...(moRef !== undefined && { mo_ref: moRef }),
    };
    if (Object.keys(values).length === 0) return;
    await this.#database.query((db) =>
      db.updateTable('workloads').set(values).where('id', '=', id).execute(),
    );
  }

  async setTransport(diskId: string, transport: TransportChoice): Promise<void> {
    await this.#database.query((db) =>
      db
        .updateTable('workload_disks')
        .set({ transport: JSON.stringify(transport) })
        .where('id', '=', diskId)
        .execute(),
    );
  }

  /**
   * All disks of a cycle at once: the changeIds of one snapshot belong together, and count only after every disk's data is
   * safe (pitfalls 3 and 19).
   */
  async completeCycle(
    id: string,
    replicatedUntil: Date,
    changeIds: readonly { readonly diskId: string; readonly changeId: string | undefined }[],
  ): Promise<void> {
    await this.#database.transaction(async (db) => {
      for (const { diskId, changeId } of changeIds) {
        await db
          .updateTable('workload_disks')
          .set({ change_id: changeId ?? null })
          .where('id', '=', diskId)
          .execute();
      }
      await db
        .updateTable('workloads')
        .set({ replicated_until: replicatedUntil, replica_torn_since: null, attention: null })
        .where('id', '=', id)
        .execute();
      await db
        .updateTable('workloads')
        .set({ state: 'protected' })
        .where('id', '=', id)
        .where('state', '=', 'managed')
        .execute();
    });
  }

  /**
   * Says that the replica's volumes are about to be written, and show no point in time until `completeCycle`. The first moment counts.
   */
  async markReplicaTorn(id: string): Promise<void> {
    await this.#database.query((db) =>
      db
        .updateTable('workloads')
        .set((eb) => ({
          replica_torn_since: eb.fn.coalesce('replica_torn_since', eb.val(new Date())),
        }))
        .where('id', '=', id)
        .execute(),
    );
  }

  /** Since when the volumes have been between two points; undefined while they show `replicatedUntil`. */
  async replicaTornSince(id: string): Promise<Date | undefined> {
    const row = await this.#database.query((db) =>
      db.selectFrom('workloads').select('replica_torn_since').where('id', '=', id).executeTakeFirst(),
    );
    return row?.replica_torn_since ?? undefined;
  }

  /** Remembers the source VM as it is seen now, for when it cannot be asked. */
  async putSourceVm(id: string, vm: VirtualMachine): Promise<void> {
    const source_vm = JSON.stringify(vm);
    await this.#database.query((db) =>
      db.updateTable('workloads').set({ source_vm }).where('id', '=', id).execute(),
    );
  }

  /** The source VM as it was when it was last seen; undefined before the first time. */
  async sourceVm(id: string): Promise<VirtualMachine | undefined> {
    const row = await this.#database.query((db) =>
      db.selectFrom('workloads').select('source_vm').where('id', '=', id).executeTakeFirst(),
    );
    return VirtualMachine.optional().parse(row?.source_vm ?? undefined);
  }

  /** Puts the disks in step with the source; a disk with another backing or key is another disk with an id of its own. */
  async putDisks(workloadId: string, disks: readonly DiskFacts[]): Promise<void> {
    await this.#database.transaction(async (db) => {
      const ids = disks.map(({ id }) => id);
      let gone = db.deleteFrom('workload_disks').where('workload_id', '=', workloadId);
      if (ids.length > 0) gone = gone.where('id', 'not in', ids);
      await gone.execute();
      for (const disk of disks) await insertDisk(db, workloadId, disk);
    });
  }

  async remove(id: string): Promise<void> {
    await this.#database.query((db) => db.deleteFrom('workloads').where('id', '=', id).execute());
  }
}

async function insertDisk(db: Queryable, workloadId: string, disk: DiskFacts): Promise<void> {
  const facts = {
    device_key: disk.key,
    backing_uuid: disk.backingUuid ?? null,
    label: disk.label,
    capacity_bytes: disk.capacityBytes,
  };
  await db
    .insertInto('workload_disks')
    .values({ id: disk.id, workload_id: workloadId, ...facts })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(facts))
    .execute();
}

async function read(db: Queryable, only: { readonly id: string } | undefined): Promise<Workload[]> {
  let query = db.selectFrom('workloads').selectAll().orderBy('name').orderBy('id');
  if (only) query = query.where('id', '=', only.id);
  const rows = await query.execute();
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const disks = await db
    .selectFrom('workload_disks')
    .selectAll()
    .where('workload_id', 'in', ids)
    .orderBy('device_key')
    .execute();
  const volumes = await db
    .selectFrom('volumes')
    .select(['workload_disk_id', 'record'])
    .where('workload_id', 'in', ids)
    .where('state', '<>', 'deleted')
    // A record of before there were clones has no role.
    .where(sql<boolean>`coalesce(record ->> 'role', 'replica') = 'replica'`)
    .execute();
  const active = await db
    .selectFrom('jobs')
    .select(['id', 'workload_id', 'lane'])
    .where('workload_id', 'in', ids)
    .where('state', 'in', activeStates)
    .execute();
  const failovers = await db
    .selectFrom('failovers')
    .select(['id', 'workload_id', 'kind'])
    .where('workload_id', 'in', ids)
    .where('state', 'not in', endedFailoverStates)
    .execute();
  const diskVolumes = volumes.map(({ workload_disk_id, record }) => volumeOf(workload_disk_id, record));
  return rows.map((row) =>
    workloadOf(
      row,
      disks.filter(({ workload_id }) => workload_id === row.id),
      diskVolumes,
      {
        currentJobId: active.find(({ workload_id, lane }) => workload_id === row.id && lane === 'replica')
          ?.id,
        testJobId: active.find(({ workload_id, lane }) => workload_id === row.id && lane === 'test')?.id,
        failoverId: standing(failovers.filter(({ workload_id }) => workload_id === row.id)),
      },
    ),
  );
}

/** A live failover goes before a test. */
function standing(failovers: readonly { readonly id: string; readonly kind: string }[]): string | undefined {
  return (failovers.find(({ kind }) => kind === 'live') ?? failovers[0])?.id;
}

function volumeOf(workloadDiskId: string, record: StoredVolume): DiskVolume {
  return { workloadDiskId, volumeId: record.volumeId, name: record.name, sizeBytes: record.sizeBytes };
}
