import { expect, test } from 'vitest';
import { workloadFixture } from '../job/jobFixture.ts';
import { behindSince, countByState, lifecycle, stateLabel } from './lifecycle.ts';

test('workloads are counted by state', () => {
  const counts = countByState([
    workloadFixture(1),
    workloadFixture(2),
    workloadFixture(3, { state: 'managed' }),
  ]);
  expect([counts.get('protected'), counts.get('managed'), counts.get('migrated')]).toEqual([2, 1, undefined]);
});

test('every state has a name of its own', () => {
  expect(new Set(lifecycle.map(({ state }) => stateLabel(state))).size).toBe(lifecycle.length);
});

test('a replica falls behind while its source runs, not after the failover', () => {
  const replicatedUntil = '2026-01-01T00:00:00.000Z';
  expect(behindSince(workloadFixture(1, { state: 'protected', replicatedUntil }))).toBe(replicatedUntil);
  expect(behindSince(workloadFixture(1, { state: 'migrated', replicatedUntil }))).toBeUndefined();
  expect(behindSince(workloadFixture(1, { state: 'managed' }))).toBeUndefined();
});
