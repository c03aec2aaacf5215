import { expect, test } from 'vitest';
import { WorkloadDisk } from '../../../appliance-agent/src/contract/index.ts';
import { diskFixture, jobFixture, reportFixture, workloadFixture } from '../../components/job/jobFixture.ts';
import { diskRows, lastReplication } from './workloadDisks.ts';

const disk = (key: number) =>
  WorkloadDisk.parse({
    id: `00000006-0000-4000-8000-00000000${key}`,
    key,
    label: `Hard disk ${key - 1999}`,
    capacityBytes: 1000,
  });
const workload = workloadFixture(1, { disks: [disk(2000), disk(2001)] });

test('a disk bears its live counters and the newest evidence of its own', () => {
  const current = jobFixture(9, workload, { state: 'running', disks: [diskFixture(2001)] });
  const runs = [
    jobFixture(3, workload, { state: 'failed', reports: [] }),
    jobFixture(2, workload, {
      state: 'succeeded',
      endedAt: '2026-01-03T00:00:00.000Z',
      reports: [reportFixture(2000, { copiedBytes: 2 })],
    }),
    jobFixture(1, workload, {
      state: 'succeeded',
      endedAt: '2026-01-02T00:00:00.000Z',
      reports: [reportFixture(2000, { copiedBytes: 1 }), reportFixture(2001, { copiedBytes: 1 })],
    }),
  ];
  const [first, second] = diskRows(workload, current, runs);
  expect(first).toMatchObject({ report: { copiedBytes: 2 }, reportedAt: '2026-01-03T00:00:00.000Z' });
  expect(first?.progress).toBeUndefined();
  expect(second).toMatchObject({ progress: { key: 2001 }, reportedAt: '2026-01-02T00:00:00.000Z' });
});

test('the forecast comes from the last replication that succeeded', () => {
  const times = { startedAt: '2026-01-02T00:00:00.000Z', endedAt: '2026-01-02T00:01:30.000Z' };
  const runs = [
    jobFixture(4, workload, { ...times, state: 'failed' }),
    jobFixture(3, workload, { ...times, kind: 'verify', state: 'succeeded' }),
    jobFixture(2, workload, { ...times, state: 'succeeded', reports: [reportFixture(2000)] }),
  ];
  expect(lastReplication(runs)).toEqual({ seconds: 90, copiedBytes: 600 });
  expect(lastReplication([])).toBeUndefined();
});
