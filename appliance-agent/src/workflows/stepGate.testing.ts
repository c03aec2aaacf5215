import { setTimeout } from 'node:timers/promises';
import pg from 'pg';

/** Key of the advisory lock that steps wait for. */
const lockKey = 20_177;
const pollMs = 5;

/** A step whose work is done and whose result is not remembered yet. */
export interface HeldStep {
  readonly name: string;
  /** Of the database's session that is about to write it down. */
  readonly pid: number;
}

const install = `
  create table if not exists public.let_through (step text primary key);
  create or replace function public.hold_step() returns trigger language plpgsql as $$
  begin
    if not exists (select from public.let_through where step = new.function_name) then
      perform set_config('application_name', new.function_name, false);
      perform pg_advisory_lock_shared(${lockKey});
      perform pg_advisory_unlock_shared(${lockKey});
    end if;
    return new;
  end $$;
  create or replace trigger hold_step before insert on dbos.operation_outputs
    for each row execute function public.hold_step();
  truncate public.let_through`;

const remove = `
  drop trigger hold_step on dbos.operation_outputs;
  drop function public.hold_step;
  drop table public.let_through`;

/**
 * Holds jobs at the end of their steps, in the database: what the step did is done, and no process will know of it. A
 * process that is killed there does the step again.
 */
export class StepGate implements AsyncDisposable {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Holds steps from now on. @param databaseUrl of an agent that was launched */
  static async open(databaseUrl: string): Promise<StepGate> {
    const client = new pg.Client(databaseUrl);
    await client.connect();
    await client.query(`select pg_advisory_lock(${lockKey})`);
    await client.query(install);
    return new StepGate(client);
  }

  /** The step that is held, as soon as there is one; undefined where `over` says first that none will come. */
  async next(over: () => Promise<boolean>): Promise<HeldStep | undefined> {
    for (;;) {
      const { rows } = await this.#client.query(
        `select a.pid, a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
          where l.locktype = 'advisory' and l.objid = ${lockKey} and not l.granted`,
      );
      const [held] = rows;
      if (held) return { name: String(held.name), pid: Number(held.pid) };
      if (await over()) return undefined;
      await setTimeout(pollMs);
    }
  }

  /** Ends the session of a step whose agent was killed, so that nothing of it is written down, and holds it no more. */
  async forget({ name, pid }: HeldStep): Promise<void> {
    await this.#client.query('insert into public.let_through values ($1) on conflict do nothing', [name]);
    await this.#client.query('select pg_terminate_backend($1, 10000)', [pid]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever is held still goes on.
    await this.#client.query(`select pg_advisory_unlock(${lockKey})`);
    await this.#client.query(remove);
    await this.#client.end();
  }
}
