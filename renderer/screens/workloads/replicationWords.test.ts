import { expect, test } from 'vitest';
import { FullReason } from '../../../appliance-agent/src/contract/index.ts';
import { modeOf, scheduleWords } from './replicationWords.ts';

test('a disk that was not brought up to date by its changed blocks says why', () => {
  expect(modeOf({ mode: 'delta' })).toBe('changed blocks');
  for (const reason of FullReason.options) {
    expect(modeOf({ mode: 'compare', reason })).toMatch(/^compared as a whole, \w/);
  }
});

test('schedules are told as people say them', () => {
  expect(scheduleWords({ kind: 'interval', minutes: 90 })).toBe('Every 1 h 30 min');
  expect(scheduleWords({ kind: 'cron', expression: '0 2 * * *' })).toBe('0 2 * * *, UTC');
});
