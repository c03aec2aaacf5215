import { expect, test } from 'vitest';
import type { AuditEntry } from '../../../appliance-agent/src/contract/index.ts';
import { mostExported, nextBefore, pageSize, readAll } from './auditPages.ts';

/** A log of so many entries, as the agent tells it. */
const log = (count: number) => async (before: number | undefined) => {
  const newest = before === undefined ? count : before - 1;
  return Array.from(
    { length: Math.min(pageSize, newest) },
    (_, index): AuditEntry => ({
      id: newest - index,
      at: '2026-01-05T08:00:00.000Z',
      actor: 'jo',
      action: 'startReplicate',
      subject: 'web-1',
      outcome: 'ok',
    }),
  );
};

test.each([0, 1, pageSize - 1, pageSize, pageSize + 1, 2 * pageSize])(
  'a log of %i entries is read whole',
  async (count) => {
    const ids = (await readAll(log(count))).map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: count }, (_, index) => count - index));
  },
);

test('a page that is not full is the last', async () => {
  expect(nextBefore(await log(pageSize - 1)(undefined))).toBeUndefined();
  expect(nextBefore(await log(pageSize * 3)(undefined))).toBe(pageSize * 2 + 1);
});

test('a log without end is cut off', async () => {
  expect(await readAll(log(mostExported + 5000))).toHaveLength(mostExported);
});
