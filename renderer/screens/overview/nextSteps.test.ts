import { expect, test } from 'vitest';
import type { Problem } from '../../../appliance-agent/src/contract/index.ts';
import { jobFixture, workloadFixture } from '../../components/job/jobFixture.ts';
import { nextSteps } from './nextSteps.ts';

const problem: Problem = {
  code: 'cloudstack.resource-limit',
  title: 'A limit is reached',
  detail: 'The account may have no more volumes.',
  remedy: 'Raise the limit.',
  retryable: true,
};
const outline = (...input: Parameters<typeof nextSteps>) =>
  nextSteps(...input).map(({ subject, action }) => `${subject}: ${action.label}`);

test('a workload without a replica is offered its first replication, unless a job is on its way', () => {
  const [waiting, busy] = [
    workloadFixture(1, { state: 'managed' }),
    workloadFixture(2, { state: 'managed' }),
  ];
  const job = jobFixture(1, busy, { state: 'running' });
  expect(outline([waiting, { ...busy, currentJobId: job.id }], [job])).toEqual(['web-1: Start replication']);
});

test('the cause and the remedy of a failed job are told, until it was tried again', () => {
  const workload = workloadFixture(1);
  const failed = jobFixture(1, workload, { state: 'failed', problem });
  expect(nextSteps([workload], [failed])).toMatchObject([
    {
      subject: 'web-1',
      reason: problem.detail,
      remedy: problem.remedy,
      urgent: true,
      action: { label: 'Show job' },
    },
  ]);
  const again = jobFixture(2, workload, { state: 'running' });
  expect(outline([workload], [again, failed])).toEqual([]);
});

test('a workload that asks for someone is told once, though its job failed too', () => {
  const workload = workloadFixture(1, { attention: problem });
  const failed = jobFixture(1, workload, { state: 'failed', problem });
  expect(outline([workload], [failed])).toEqual(['web-1: Show workload']);
});

test('a job that waits for credentials asks for them; one that waits for its turn asks for nothing', () => {
  const workload = workloadFixture(1);
  const credentials = jobFixture(1, workload, { state: 'waiting', waitReason: 'credentials' });
  const queue = jobFixture(2, workloadFixture(2), { state: 'waiting', waitReason: 'attach-slot' });
  expect(outline([workload], [credentials, queue])).toEqual(['web-1: Lend credentials']);
});

test('the urgent come first, the oldest of them before the others', () => {
  const [a, b, c] = [workloadFixture(1, { state: 'managed' }), workloadFixture(2), workloadFixture(3)];
  const jobs = [
    jobFixture(2, b, { state: 'failed', endedAt: '2026-01-04T00:00:00.000Z' }),
    jobFixture(3, c, { state: 'failed', endedAt: '2026-01-03T00:00:00.000Z' }),
  ];
  expect(nextSteps([a, b, c], jobs).map(({ subject }) => subject)).toEqual(['web-3', 'web-2', 'web-1']);
});

test('a test that runs and a cutover that is not committed lead to the decision that they wait for', () => {
  const failoverId = '5f0c6f0e-6a3f-4b1c-9a53-6f8a2f4c9d10';
  const workloads = [
    workloadFixture(1, { state: 'testing', failoverId }),
    workloadFixture(2, { state: 'failed-over', failoverId }),
    workloadFixture(3, { state: 'migrated' }),
  ];
  expect(outline(workloads, [])).toEqual(['web-1: Look at the test', 'web-2: Commit or roll back']);
});

test('a cutover that asks something leads to where it is answered', () => {
  const workload = workloadFixture(1);
  const asking = jobFixture(1, workload, {
    kind: 'live-failover',
    state: 'waiting',
    waitReason: 'person',
    message: 'Power it off?',
  });
  expect(nextSteps([workload], [asking])).toMatchObject([
    {
      reason: 'Power it off?',
      action: { label: 'Answer it', path: `/workloads/${workload.id}/cutover?kind=live` },
    },
  ]);
});
