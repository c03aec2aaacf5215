import { expect, test } from 'vitest';
import { jobFixture, workloadFixture } from '../../components/job/jobFixture.ts';
import { filterFrom, isShown, jobSearch, mergeJobs, queuePlaces } from './jobList.ts';

const [web, db] = [workloadFixture(1), workloadFixture(2, { name: 'db 2' })];

test('what is queued is among what waits', () => {
  expect(isShown({ state: 'queued' }, 'waiting')).toBe(true);
  expect(isShown({ state: 'waiting' }, 'waiting')).toBe(true);
  expect(isShown({ state: 'running' }, 'waiting')).toBe(false);
  expect(isShown({ state: 'queued' }, 'all')).toBe(true);
});

test('an address with an unknown state shows all', () => {
  expect(filterFrom('failed')).toBe('failed');
  expect(filterFrom('sleeping')).toBe('all');
  expect(filterFrom(null)).toBe('all');
});

test('lists that tell of the same job become one, newest first', () => {
  const old = jobFixture(1, web, { createdAt: '2026-01-01T00:00:00.000Z' });
  const fresh = jobFixture(2, web, { createdAt: '2026-01-03T00:00:00.000Z', state: 'failed' });
  const merged = mergeJobs([[fresh], [{ ...fresh, state: 'running' }, old]]);
  expect(merged).toEqual([fresh, old]);
});

test('the job that was asked for first is first in the queue', () => {
  const jobs = [
    jobFixture(3, web, { createdAt: '2026-01-03T00:00:00.000Z' }),
    jobFixture(2, web, { createdAt: '2026-01-02T00:00:00.000Z' }),
    jobFixture(1, web, { createdAt: '2026-01-01T00:00:00.000Z', state: 'running' }),
  ];
  expect([...queuePlaces(jobs)]).toEqual([
    [jobs[1]?.id, 1],
    [jobs[0]?.id, 2],
  ]);
});

test('all words of a search have to be written somewhere of the job', () => {
  const jobs = [jobFixture(1, web), jobFixture(2, db, { kind: 'verify' })];
  const found = (text: string) => jobs.filter(jobSearch(text) ?? (() => true)).map(({ id }) => id);
  expect(found('verify DB')).toEqual([jobs[1]?.id]);
  expect(found('replicate db')).toEqual([]);
  expect(found('  ')).toHaveLength(2);
});
