import { expect, it } from 'vitest';
import { CycleRecord, ReplicationStatus } from '../contract/index.ts';
import { describeReplication } from './workloadView.ts';

function cycle(minute: number, ...disks: object[]): CycleRecord {
  const at = `2026-03-01T10:0${minute}:00.000Z`;
  const told = { mode: 'delta', changedBytes: 0, readBytes: 0, writtenBytes: 0, seconds: 1 };
  return CycleRecord.parse({
    jobId: '0b8c1f3e-2f65-4c3b-9a7e-6f0f3c1d2e4b',
    pointAt: at,
    startedAt: at,
    endedAt: at,
    consistency: 'crash',
    disks: disks.map((disk, index) => ({
      key: 2000 + index,
      label: `Hard disk ${index + 1}`,
      ...told,
      ...disk,
    })),
  });
}

it('which disk was read whole, and why, is told once for each cause', () => {
  const reset = { mode: 'compare', reason: 'cbt-reset', detail: 'Changed block tracking was reset.' };
  const off = { mode: 'compare', reason: 'cbt-off', detail: 'Changed block tracking is off for this disk.' };
  const first = { mode: 'full', reason: 'first', detail: 'The disk was not copied before.' };
  const status = ReplicationStatus.parse({
    workloadId: '0b8c1f3e-2f65-4c3b-9a7e-6f0f3c1d2e4b',
    schedule: { kind: 'manual' },
    churn: [],
    churnBytesPerSecond: 0,
    backlogBytes: 0,
    cycles: [cycle(3, {}, off), cycle(2, { ...reset, grownBytes: 2 ** 30 }, off), cycle(1, first, first)],
  });
  const causes = describeReplication('db01', status).split('\n\n').at(-1);
  expect(causes?.split('\n')).toEqual([
    '2026-03-01T10:03:00.000Z  Hard disk 2: Changed block tracking is off for this disk.',
    '2026-03-01T10:02:00.000Z  Hard disk 1: It grew by 1 GiB.',
    '2026-03-01T10:02:00.000Z  Hard disk 1: Changed block tracking was reset.',
  ]);
});
