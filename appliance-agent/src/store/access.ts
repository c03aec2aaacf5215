import { randomUUID } from 'node:crypto';
import { AuditEntry, type Role, type Token } from '../contract/index.ts';
import type { Database } from './database.ts';
import { present, timestamp, tokenOf } from './records.ts';

/** Access tokens by the SHA-256 of each; the tokens themselves are never kept. */
export class Tokens {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(token: {
    readonly name: string;
    readonly role: Role;
    readonly hash: string;
    readonly expiresAt: string | undefined;
  }): Promise<Token> {
    const { name, role, hash, expiresAt } = token;
    const row = await this.#database.query((db) =>
      db
        .insertInto('tokens')
        .values({ id: randomUUID(), name, role, hash, created_at: new Date(), expires_at: expiresAt ?? null })
        // The same token again after a lost answer.
        .onConflict((conflict) => conflict.column('hash').doUpdateSet({ name }))
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
    return tokenOf(row);
  }

  async findByHash(hash: string): Promise<Token | undefined> {
    const row = await this.#database.query((db) =>
      db.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst(),
    );
    return row && tokenOf(row);
  }

  async list(): Promise<Token[]> {
    const rows = await this.#database.query((db) =>
      db.selectFrom('tokens').selectAll().orderBy('created_at', 'desc').execute(),
    );
    return rows.map(tokenOf);
  }

  async revoke(id: string): Promise<boolean> {
    const rows = await this.#database.query((db) =>
      db
        .updateTable('tokens')
        .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(new Date())) }))
        .where('id', '=', id)
        .returning('id')
        .execute(),
    );
    return rows.length > 0;
  }

  async markUsed(id: string, at: string): Promise<void> {
    await this.#database.query((db) =>
      db.updateTable('tokens').set({ last_used_at: at }).where('id', '=', id).execute(),
    );
  }
}

/** The append-only record of who did what; the database itself refuses changes. */
export class Audit {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async append(entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void> {
    const { actor, action, subject, outcome, detail } = entry;
    await this.#database.query((db) =>
      db
        .insertInto('audit')
        .values({ actor, action, subject, outcome, detail: detail ?? null })
        .execute(),
    );
  }

  /** Changes that were done to these subjects, oldest first. */
  async ofSubjects(subjects: readonly string[]): Promise<AuditEntry[]> {
    if (subjects.length === 0) return [];
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('audit')
        .selectAll()
        .where('subject', 'in', subjects)
        .where('outcome', '=', 'ok')
        .orderBy('id')
        .execute(),
    );
    return rows.map((row) => AuditEntry.parse(present({ ...row, at: timestamp(row.at) })));
  }

  async list({
    before,
    limit,
  }: {
    readonly before: number | undefined;
    readonly limit: number;
  }): Promise<AuditEntry[]> {
    const rows = await this.#database.query((db) => {
      const query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit);
      return (before === undefined ? query : query.where('id', '<', before)).execute();
    });
    return rows.map((row) => AuditEntry.parse(present({ ...row, at: timestamp(row.at) })));
  }
}

/** Leases that survive a restart: ciphertext only, the key lies outside the database. */
export class SealedLeases {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put(lease: {
    readonly endpointId: string;
    readonly sealed: Uint8Array;
    readonly expiresAt: string | undefined;
  }): Promise<void> {
    const values = { sealed: Buffer.from(lease.sealed), expires_at: lease.expiresAt ?? null };
    await this.#database.query((db) =>
      db
        .insertInto('sealed_leases')
        .values({ endpoint_id: lease.endpointId, ...values })
        .onConflict((conflict) => conflict.column('endpoint_id').doUpdateSet(values))
        .execute(),
    );
  }

  async list(): Promise<{ endpointId: string; sealed: Uint8Array; expiresAt: string | undefined }[]> {
    const rows = await this.#database.query((db) => db.selectFrom('sealed_leases').selectAll().execute());
    return rows.map((row) => ({
      endpointId: row.endpoint_id,
      sealed: row.sealed,
      expiresAt: timestamp(row.expires_at),
    }));
  }

  async delete(endpointId: string): Promise<void> {
    await this.#database.query((db) =>
      db.deleteFrom('sealed_leases').where('endpoint_id', '=', endpointId).execute(),
    );
  }
}
