import { sql } from 'kysely';
import { ManagedVolume } from '../contract/index.ts';
import type { Database } from './database.ts';
import type { StoredVolume } from './schema.ts';

/** States in which a volume is none of ours any more. */
export const endedVolumeStates = ['deleted', 'surrendered'];

/** Records of volumes: what their owner writes down before it acts. */
export class Volumes {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(recordId: string): Promise<StoredVolume | undefined> {
    const row = await this.#database.query((db) =>
      db.selectFrom('volumes').select('record').where('id', '=', recordId).executeTakeFirst(),
    );
    return row && complete(row.record);
  }

  /** All records of a target but those of volumes that are deleted or surrendered. */
  async list(targetId: string): Promise<StoredVolume[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('volumes')
        .select('record')
        .where('target_id', '=', targetId)
        .where('state', 'not in', endedVolumeStates)
        .execute(),
    );
    return rows.map(({ record }) => complete(record));
  }

  /** The volume that holds the replica of a disk. */
  async ofDisk(workloadDiskId: string): Promise<StoredVolume | undefined> {
    const row = await this.#database.query((db) =>
      db
        .selectFrom('volumes')
        .select('record')
        .where('workload_disk_id', '=', workloadDiskId)
        .where('state', 'not in', endedVolumeStates)
        .where(hasRole('replica'))
        .executeTakeFirst(),
    );
    return row && complete(row.record);
  }

  /** The replicas, or clones, of a workload's disks, also of disks that it no longer has. */
  async ofWorkload(workloadId: string, role: ManagedVolume['role'] = 'replica'): Promise<StoredVolume[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('volumes')
        .select('record')
        .where('workload_id', '=', workloadId)
        .where('state', 'not in', endedVolumeStates)
        .where(hasRole(role))
        .execute(),
    );
    return rows.map(({ record }) => complete(record));
  }

  /** All that are ours still, as the API shows them. */
  async listAll(): Promise<ManagedVolume[]> {
    const rows = await this.#database.query((db) =>
      db.selectFrom('volumes').select('record').where('state', 'not in', endedVolumeStates).execute(),
    );
    return rows.map(({ record }) => ManagedVolume.parse(record));
  }

  /** Inserts the record, or replaces the one of the same id; durable when it resolves. */
  async put(record: StoredVolume): Promise<void> {
    const values = { state: record.state, record: JSON.stringify(record) };
    await this.#database.query((db) =>
      db
        .insertInto('volumes')
        .values({
          id: record.id,
          target_id: record.targetId,
          workload_id: record.workloadId,
          workload_disk_id: record.workloadDiskId,
          ...values,
        })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
        .execute(),
    );
  }
}

/** Records of before there were clones have no role. */
function hasRole(role: ManagedVolume['role']) {
  return sql<boolean>`coalesce(record ->> 'role', 'replica') = ${role}`;
}

function complete(record: StoredVolume): StoredVolume {
  return { ...record, role: record.role ?? 'replica' };
}
