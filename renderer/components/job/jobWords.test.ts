import { expect, test } from 'vitest';
import { jobFixture, reportFixture, workloadFixture } from './jobFixture.ts';
import { needsPerson, titleOf, whatOf } from './jobWords.ts';

const workload = workloadFixture(1);

test('a job is called by what it does and to what', () => {
  expect(titleOf(jobFixture(1, workload))).toBe('Replicate web-1');
  const { workloadName: _, ...all } = jobFixture(1, workload, { kind: 'cleanup' });
  expect(titleOf(all)).toBe('Clean up');
});

test('a running job tells its step, a waiting one what it waits for, a failed one its cause', () => {
  const steps = [
    { name: 'snapshot', title: 'Take a snapshot', state: 'done' as const },
    { name: 'copy', title: 'Copy the disks', state: 'running' as const },
  ];
  expect(whatOf(jobFixture(1, workload, { state: 'running', steps }))).toBe('Copy the disks');
  expect(whatOf(jobFixture(1, workload, { state: 'waiting', waitReason: 'attach-slot' }))).toBe(
    'Waits for an attach slot.',
  );
  const problem = {
    code: 'cloudstack.capacity' as const,
    title: 'CloudStack has not enough capacity',
    detail: 'No primary storage has room for 200 GiB.',
    retryable: true,
  };
  expect(whatOf(jobFixture(1, workload, { state: 'failed', problem }))).toBe(problem.detail);
});

test('a job that succeeded tells how much it copied and whether that was verified', () => {
  const report = reportFixture(2000, { copiedBytes: 3 * 2 ** 30, verified: true });
  expect(whatOf(jobFixture(1, workload, { state: 'succeeded', reports: [report] }))).toBe(
    '3.0 GiB copied, verified.',
  );
  const healed = reportFixture(2000, { verified: true, healedChunks: 2 });
  expect(whatOf(jobFixture(1, workload, { kind: 'verify', state: 'succeeded', reports: [healed] }))).toBe(
    'Verified, 2 chunks healed.',
  );
});

test('only what a person can give needs a person', () => {
  expect(needsPerson(jobFixture(1, workload, { state: 'waiting', waitReason: 'credentials' }))).toBe(true);
  expect(needsPerson(jobFixture(1, workload, { state: 'waiting', waitReason: 'source' }))).toBe(false);
  expect(needsPerson(jobFixture(1, workload, { state: 'failed' }))).toBe(false);
});
