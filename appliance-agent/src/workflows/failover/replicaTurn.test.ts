import { describe, expect, it } from 'vitest';
import { ReplicaTurns } from './replicaTurn.ts';

/** What a job says that it waits for. */
class Waits {
  readonly said: (string | undefined)[] = [];

  async waiting(_reason: string | undefined, message?: string): Promise<void> {
    this.said.push(message);
  }
}

const never = new AbortController().signal;

describe('turns at a replica', () => {
  it('are taken one after another, and who waits is told for what', async () => {
    const turns = new ReplicaTurns();
    const order: string[] = [];
    const waits = new Waits();
    const first = await turns.take(new Waits(), 'w', 'A replication writes.', never);
    const second = turns.take(waits, 'w', 'A test snapshots.', never).then((turn) => {
      order.push('second');
      return turn;
    });
    const other = await turns.take(new Waits(), 'another', 'A replication writes.', never);
    order.push('first');
    first[Symbol.dispose]();
    (await second)[Symbol.dispose]();
    other[Symbol.dispose]();
    expect(order).toEqual(['first', 'second']);
    expect(waits.said).toEqual(['A replication writes.', undefined]);
  });

  it('pass by who gives up waiting, not by who still has one', async () => {
    const turns = new ReplicaTurns();
    const stop = new AbortController();
    const first = await turns.take(new Waits(), 'w', 'first', never);
    const cancelled = turns.take(new Waits(), 'w', 'second', stop.signal).catch((error: unknown) => error);
    const third = new Waits();
    let taken = false;
    const waiting = turns.take(third, 'w', 'third', never).then((turn) => {
      taken = true;
      return turn;
    });
    stop.abort(new Error('cancelled'));
    expect(await cancelled).toMatchObject({ message: 'cancelled' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken, 'the first still holds its turn').toBe(false);
    first[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
    const again = new Waits();
    (await turns.take(again, 'w', 'fourth', never))[Symbol.dispose]();
    expect(again.said.length, 'all are through').toBeLessThanOrEqual(2);
  });
});
