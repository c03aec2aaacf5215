import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../contract/index.ts';
import { assertSchedule, nextRun } from './schedule.ts';

const since = new Date('2026-03-01T10:00:00Z');
const at = (time: string) => new Date(`2026-03-01T${time}Z`);

describe('the next run', () => {
  test('of a manual schedule never comes', () => {
    expect(nextRun({ kind: 'manual' }, { since, failures: 0 })).toBeUndefined();
  });

  test('of an interval counts from the start of the last, however long it took', () => {
    const history = { since, lastStartedAt: at('11:00:00'), lastEndedAt: at('11:25:00'), failures: 0 };
    expect(nextRun({ kind: 'interval', minutes: 15 }, history)).toEqual(at('11:15:00'));
    expect(nextRun({ kind: 'interval', minutes: 15 }, { since, failures: 0 })).toEqual(since);
  });

  test('of a cron expression is in its time zone, over the change to summer time', () => {
    const schedule: Schedule = { kind: 'cron', expression: '30 3 * * *', timeZone: 'Europe/Vienna' };
    const before = { since: new Date('2026-03-28T12:00:00Z'), failures: 0 };
    expect(nextRun(schedule, before)).toEqual(new Date('2026-03-29T01:30:00Z'));
    const after = { since, lastStartedAt: new Date('2026-03-29T01:30:00Z'), failures: 0 };
    expect(nextRun(schedule, after)).toEqual(new Date('2026-03-30T01:30:00Z'));
  });

  test('of a continuous replication follows the end of the last', () => {
    const history = { since, lastStartedAt: at('11:00:00'), lastEndedAt: at('11:25:00'), failures: 0 };
    const next = nextRun({ kind: 'continuous' }, history);
    expect(next?.getTime()).toBeGreaterThan(at('11:25:00').getTime());
    expect(next?.getTime()).toBeLessThan(at('11:26:00').getTime());
  });

  test('comes later after each failure, and half an hour after the last at most unless the schedule says so', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 10_080 }),
        (failures, minutes) => {
          const schedule: Schedule = { kind: 'interval', minutes };
          const lastEndedAt = at('11:25:00');
          const history = { since, lastStartedAt: at('11:00:00'), lastEndedAt, failures };
          const wait = (count: number) =>
            (nextRun(schedule, { ...history, failures: count })?.getTime() ?? 0) - lastEndedAt.getTime();
          expect(wait(failures + 1)).toBeGreaterThanOrEqual(wait(failures));
          expect(wait(failures)).toBeLessThanOrEqual(Math.max(30, minutes - 25) * 60_000);
        },
      ),
    );
  });
});

describe('a schedule', () => {
  test.each([
    ['nonsense', 'UTC', 'expression'],
    ['0 0 31 2 *', 'UTC', 'expression'],
    ['* * * * * *', 'UTC', 'expression'],
    ['0 * * * *', 'Middle/Earth', 'timeZone'],
  ])('“%s” in %s is refused by its field', (expression, timeZone, field) => {
    const refuse = () => assertSchedule({ kind: 'cron', expression, timeZone });
    expect(refuse).toThrow(
      expect.objectContaining({ code: 'request.invalid', field: `settings.schedule.${field}` }),
    );
  });

  test('of every four hours is taken', () => {
    expect(() => assertSchedule({ kind: 'cron', expression: '0 */4 * * *' })).not.toThrow();
  });
});
