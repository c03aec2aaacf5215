import { expect, test } from 'vitest';
import type { AuditEntry } from '../../../appliance-agent/src/contract/index.ts';
import { jobFixture, workloadFixture } from '../../components/job/jobFixture.ts';
import { actorsOf, auditFilter, outcomeFrom, rowOf } from './auditFilter.ts';
import { knownSubjects } from './auditWords.ts';

const workload = workloadFixture(1);
const job = jobFixture(1, workload);
const known = knownSubjects({ workloads: [workload], jobs: [job], sources: [], targets: [] });
const entry = (id: number, change: Partial<AuditEntry> = {}): AuditEntry => ({
  id,
  at: '2026-01-05T08:00:00.000Z',
  actor: 'jo (4f2a)',
  action: 'startReplicate',
  subject: workload.id,
  outcome: 'ok',
  ...change,
});

const rows = [
  entry(1),
  entry(2, { actor: 'local administrator', action: 'deleteSource', subject: 'gone', outcome: 'failed' }),
  entry(3, { outcome: 'denied', detail: 'The access token "jo" has the role viewer.' }),
].map((one) => rowOf(one, known));
const shown = (filter: Partial<Parameters<typeof auditFilter>[0]>) =>
  rows
    .filter(auditFilter({ outcome: 'all', actor: undefined, text: '', ...filter }) ?? (() => true))
    .map((row) => row.entry.id);

test('without a filter nothing is looked at', () => {
  expect(auditFilter({ outcome: 'all', actor: undefined, text: ' ' })).toBeUndefined();
});

test('by outcome and by who', () => {
  expect(shown({ outcome: 'failed' })).toEqual([2]);
  expect(shown({ actor: 'jo (4f2a)' })).toEqual([1, 3]);
  expect(shown({ actor: 'jo (4f2a)', outcome: 'denied' })).toEqual([3]);
});

test('a search finds the name, the act, the operation, the outcome and the detail', () => {
  expect(shown({ text: workload.name.toUpperCase() })).toEqual([1, 3]);
  expect(shown({ text: 'remove GONE' })).toEqual([2]);
  expect(shown({ text: 'deletesource' })).toEqual([2]);
  expect(shown({ text: 'refused viewer' })).toEqual([3]);
  expect(shown({ text: workload.id })).toEqual([1, 3]);
});

test('an address with an unknown outcome shows all', () => {
  expect(outcomeFrom('denied')).toBe('denied');
  expect(outcomeFrom('perhaps')).toBe('all');
});

test('everybody is named once', () => {
  expect(actorsOf(rows.map((row) => row.entry))).toEqual(['jo (4f2a)', 'local administrator']);
});
