import { expect, test } from 'vitest';
import { Failover, StartLiveFailover } from '../../../appliance-agent/src/contract/index.ts';
import { jobFixture, workloadFixture } from '../../components/job/jobFixture.ts';
import {
  acceptsWorkload,
  nextOf,
  planReplication,
  whyNotRemove,
  whyNotReplicate,
  whyNotVerify,
  workloadRows,
} from './workloadRow.ts';

const attention = {
  code: 'cloudstack.capacity' as const,
  title: 'CloudStack has not enough capacity',
  detail: 'No primary storage has room for 200 GiB.',
  retryable: true,
};

test('the job that goes on tells what is next, then the trouble, then the state', () => {
  const troubled = workloadFixture(1, { attention });
  const waiting = jobFixture(1, troubled, { state: 'waiting', waitReason: 'credentials' });
  expect(nextOf(troubled, waiting)).toEqual({ text: 'Waits for credentials.', urgent: true });
  expect(nextOf(troubled, undefined)).toEqual({ text: attention.title, urgent: true });
  expect(nextOf(workloadFixture(1, { state: 'managed' }), undefined)).toMatchObject({ urgent: false });
  const protectedOne = workloadFixture(1, { state: 'protected' });
  const schedule = { kind: 'interval' as const, minutes: 15 };
  const scheduled = { ...protectedOne, settings: { ...protectedOne.settings, schedule } };
  expect(nextOf(protectedOne, undefined).text).toMatch(/^Replicate again/);
  expect(nextOf(scheduled, undefined).text).toMatch(/^Start a test/);
});

test('a cutover that will begin, or that waits for a decision, is told with its time', () => {
  const workload = workloadFixture(1);
  const at = '2026-03-02T22:00:00.000Z';
  const cutover = (state: Failover['state']) =>
    Failover.parse({
      id: '5f0c6f0e-6a3f-4b1c-9a53-6f8a2f4c9d10',
      kind: 'live',
      workloadId: workload.id,
      workloadName: workload.name,
      state,
      request: { kind: 'live', ...StartLiveFailover.parse({ startAt: at }) },
      commitBy: at,
      createdBy: 'jo',
      createdAt: at,
    });
  const told = (state: Failover['state']) => nextOf(workload, undefined, cutover(state)).text;
  expect(told('scheduled')).toMatch(/^Cutover begins .*2026/);
  expect(told('active')).toMatch(/^Commit or roll back by .*2026/);
});

test('a row finds its job, and knows nothing of jobs that are over', () => {
  const workload = workloadFixture(1);
  const job = jobFixture(1, workload, { state: 'running' });
  const busy = { ...workload, currentJobId: job.id };
  expect(workloadRows([busy, workloadFixture(2)], [job], undefined).map((row) => row.job)).toEqual([
    job,
    undefined,
  ]);
});

test('state and words narrow what is shown together', () => {
  const rows = workloadRows(
    [workloadFixture(1), workloadFixture(2, { state: 'managed' }), workloadFixture(12)],
    [],
    undefined,
  );
  const found = (state: string | undefined, text: string) =>
    rows.filter(acceptsWorkload({ state, text }) ?? (() => true)).map(({ workload }) => workload.name);
  expect(found(undefined, '')).toHaveLength(3);
  expect(found('protected', 'web-1')).toEqual(['web-1', 'web-12']);
  expect(found('managed', 'web-1')).toEqual([]);
  expect(found(undefined, 'first replication')).toEqual(['web-2']);
});

test('replicating many tells which are copied whole, and leaves out those that must not be', () => {
  const workloads = [
    workloadFixture(1, { state: 'managed' }),
    workloadFixture(2),
    workloadFixture(3, { currentJobId: jobFixture(1, workloadFixture(3)).id }),
    workloadFixture(4, { state: 'failed-over' }),
    workloadFixture(5, { state: 'migrated' }),
  ];
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
  const { first, again, leftOut } = planReplication(workloads);
  expect(names(first)).toEqual(['web-1']);
  expect(names(again)).toEqual(['web-2']);
  expect(names(leftOut)).toEqual(['web-3', 'web-4', 'web-5']);
  expect(whyNotReplicate(workloadFixture(4, { state: 'failed-over' }))).toMatch(/overwrite/);
});

test('volumes that a VM of the cloud runs on are neither overwritten nor deleted', () => {
  for (const state of ['failed-over', 'migrated'] as const) {
    const workload = workloadFixture(1, { state, replicatedUntil: '2026-01-01T00:00:00.000Z' });
    expect(whyNotReplicate(workload)).toMatch(/overwrite/);
    expect(whyNotVerify(workload)).toMatch(/has written/);
    expect(whyNotRemove(workload)).toMatch(/on the volumes of the replica/);
  }
  expect(whyNotRemove(workloadFixture(1, { state: 'testing' }))).toBe('End the test first');
});

test('one job at a time, and nothing to verify before there is a replica', () => {
  const busy = workloadFixture(1, { currentJobId: jobFixture(1, workloadFixture(1)).id });
  expect(whyNotVerify(busy)).toBe(whyNotReplicate(busy));
  expect(whyNotRemove(busy)).toBe('Cancel its job first');
  expect(whyNotVerify(workloadFixture(2, { state: 'managed' }))).toMatch(/replicate first/);
  expect(whyNotRemove(workloadFixture(2, { state: 'managed' }))).toBeUndefined();
});
