import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

const never = new AbortController().signal;

describe('Turns', () => {
  it('lets one work at a time on a thing, in order, and on other things beside it', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const first = Promise.withResolvers<void>();
    const work = (name: string, until?: Promise<void>) => async () => {
      log.push(`${name} begins`);
      await until;
      log.push(`${name} ends`);
    };
    const one = turns.take('vm', never, work('one', first.promise));
    const two = turns.take('vm', never, work('two'));
    await turns.take('another vm', never, work('other'));
    first.resolve();
    await Promise.all([one, two]);
    expect(log).toEqual(['one begins', 'other begins', 'other ends', 'one ends', 'two begins', 'two ends']);
  });

  it('goes on after a failure, and past one who gave up waiting', async () => {
    const turns = new Turns();
    const first = Promise.withResolvers<void>();
    const stop = new AbortController();
    const one = turns.take('vm', never, () => first.promise);
    const two = turns.take('vm', stop.signal, async () => expect.unreachable('its turn never came'));
    let oneEnded = false;
    const three = turns.take('vm', never, async () => oneEnded);
    stop.abort(new Error('gave up'));
    await expect(two).rejects.toThrow('gave up');
    oneEnded = true;
    first.reject(new Error('failed'));
    await expect(one).rejects.toThrow('failed');
    expect(await three).toBe(true);
  });
});
