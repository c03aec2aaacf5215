import { expect, test } from 'vitest';
import { Precedence } from './precedence.ts';

const never = new AbortController().signal;

test('background work goes at full speed alone, slowly beside others, and at once again when the last of them ends', async () => {
  const precedence = new Precedence();
  const limiter = precedence.background;
  await limiter.take(2 ** 40, never);
  const first = precedence.enter();
  const second = precedence.enter();
  await limiter.take(2 ** 30, never);
  let granted = false;
  const waiting = limiter.take(2 ** 20, never).then(() => {
    granted = true;
  });
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await new Promise(setImmediate);
  expect(granted).toBe(false);
  second[Symbol.dispose]();
  await waiting;
});
