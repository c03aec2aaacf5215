import { randomUUID } from 'node:crypto';
import { OsseaError, type SourceEndpoint, type TargetEndpoint } from '../contract/index.ts';
import type { Database } from './database.ts';
import { sourceOf, targetOf } from './records.ts';
import { endedVolumeStates } from './volumes.ts';

/** PostgreSQL's unique_violation and foreign_key_violation (appendix A). */
const uniqueViolation = '23505';
const foreignKeyViolation = '23503';

function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

async function namingConflicts<T>(kind: string, name: string | undefined, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (sqlState(error) === uniqueViolation) {
      throw new OsseaError('request.conflict', `There is a ${kind} of the name "${name}" already.`, {
        field: 'name',
        value: name,
        remedy: 'Choose another name.',
      });
    }
    if (sqlState(error) === foreignKeyViolation) {
      throw new OsseaError('request.conflict', `The ${kind} is still used by workloads or volumes.`, {
        remedy: 'Remove its workloads with their replicas first.',
      });
    }
    throw error;
  }
}

function notFound(kind: string, id: string): OsseaError {
  return new OsseaError('request.not-found', `There is no ${kind} ${id}.`, {
    remedy: `List the ${kind}s again.`,
  });
}

/** vCenters and ESXi hosts. */
export class Sources {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(source: {
    readonly name: string;
    readonly url: string;
    readonly fingerprint: string;
  }): Promise<SourceEndpoint> {
    const id = randomUUID();
    await namingConflicts(
      'source',
      source.name,
      this.#database.query((db) =>
        db
          .insertInto('sources')
          .values({ id, ...source, created_at: new Date() })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .execute(),
      ),
    );
    return this.require(id);
  }

  async list(): Promise<SourceEndpoint[]> {
    const rows = await this.#database.query((db) =>
      db.selectFrom('sources').selectAll().orderBy('name').execute(),
    );
    return rows.map(sourceOf);
  }

  /** @throws OsseaError `request.not-found` */
  async require(id: string): Promise<SourceEndpoint> {
    const row = await this.#database.query((db) =>
      db.selectFrom('sources').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    if (!row) throw notFound('source', id);
    return sourceOf(row);
  }

  async update(
    id: string,
    change: {
      readonly name?: string | undefined;
      readonly url?: string | undefined;
      readonly fingerprint?: string | undefined;
      readonly instanceUuid?: string | undefined;
    },
  ): Promise<SourceEndpoint> {
    const { instanceUuid, ...rest } = change;
    const values = { ...rest, ...(instanceUuid !== undefined && { instance_uuid: instanceUuid }) };
    if (Object.values(values).some((value) => value !== undefined)) {
      await namingConflicts(
        'source',
        change.name,
        this.#database.query((db) => db.updateTable('sources').set(values).where('id', '=', id).execute()),
      );
    }
    return this.require(id);
  }

  async delete(id: string): Promise<void> {
    await this.require(id);
    await namingConflicts(
      'source',
      undefined,
      this.#database.query((db) => db.deleteFrom('sources').where('id', '=', id).execute()),
    );
  }
}

/** Clouds. */
export class Targets {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(target: {
    readonly name: string;
    readonly url: string;
    readonly fingerprint?: string | undefined;
    readonly config: TargetEndpoint['config'];
    readonly applianceVmId?: string | undefined;
  }): Promise<TargetEndpoint> {
    const id = randomUUID();
    await namingConflicts(
      'target',
      target.name,
      this.#database.query((db) =>
        db
          .insertInto('targets')
          .values({
            id,
            name: target.name,
            url: target.url,
            fingerprint: target.fingerprint ?? null,
            config: JSON.stringify(target.config),
            appliance_vm_id: target.applianceVmId ?? null,
            created_at: new Date(),
          })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .execute(),
      ),
    );
    return this.require(id);
  }

  async list(): Promise<TargetEndpoint[]> {
    const rows = await this.#database.query((db) =>
      db.selectFrom('targets').selectAll().orderBy('name').execute(),
    );
    return rows.map(targetOf);
  }

  /** @throws OsseaError `request.not-found` */
  async require(id: string): Promise<TargetEndpoint> {
    const row = await this.#database.query((db) =>
      db.selectFrom('targets').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    if (!row) throw notFound('target', id);
    return targetOf(row);
  }

  async update(
    id: string,
    change: {
      readonly name?: string | undefined;
      readonly url?: string | undefined;
      /** Null takes it back, as with the appliance's VM. */
      readonly fingerprint?: string | null | undefined;
      readonly config?: TargetEndpoint['config'] | undefined;
      readonly applianceVmId?: string | null | undefined;
    },
  ): Promise<TargetEndpoint> {
    const { name, url, fingerprint, config, applianceVmId } = change;
    const values = {
      ...(name !== undefined && { name }),
      ...(url !== undefined && { url }),
      ...(fingerprint !== undefined && { fingerprint }),
      ...(config !== undefined && { config: JSON.stringify(config) }),
      ...(applianceVmId !== undefined && { appliance_vm_id: applianceVmId }),
    };
    if (Object.keys(values).length > 0) {
      await namingConflicts(
        'target',
        name,
        this.#database.query((db) => db.updateTable('targets').set(values).where('id', '=', id).execute()),
      );
    }
    return this.require(id);
  }

  async delete(id: string): Promise<void> {
    await this.require(id);
    await namingConflicts(
      'target',
      undefined,
      this.#database.transaction(async (db) => {
        await db
          .deleteFrom('volumes')
          .where('target_id', '=', id)
          .where('state', 'in', endedVolumeStates)
          .execute();
        await db.deleteFrom('targets').where('id', '=', id).execute();
      }),
    );
  }
}
