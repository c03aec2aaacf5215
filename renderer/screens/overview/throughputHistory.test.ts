import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { DiskProgress } from '../../../appliance-agent/src/contract/index.ts';
import { jobFixture, workloadFixture } from '../../components/job/jobFixture.ts';
import { throughputHistory } from './throughputHistory.ts';

const hour = 3_600_000;
const from = Date.parse('2026-01-01T00:00:00.000Z');

function copied(bytes: number, start: number, end: number | undefined): Job {
  return jobFixture(1, workloadFixture(1), {
    startedAt: new Date(start).toISOString(),
    ...(end !== undefined && { endedAt: new Date(end).toISOString() }),
    disks: [
      DiskProgress.parse({
        key: 2000,
        label: 'Hard disk 1',
        phase: 'done',
        capacityBytes: bytes,
        plannedBytes: bytes,
        readBytes: bytes,
        writtenBytes: bytes,
        skippedBytes: 0,
        doneBytes: bytes,
        rereadBytes: 0,
        bytesPerSecond: 0,
      }),
    ],
  });
}

test('a job counts with its average while it ran, and with nothing else', () => {
  const job = copied(3600 * 1000, from + hour, from + 2 * hour);
  expect(throughputHistory([job], from, from + 4 * hour, 4).bytesPerSecond).toEqual([0, 1000, 0, 0]);
});

test('a job that still runs counts until now', () => {
  const job = copied(3600 * 1000, from + 3 * hour, undefined);
  expect(throughputHistory([job], from, from + 4 * hour, 4).bytesPerSecond).toEqual([0, 0, 0, 1000]);
});

test('jobs before the span and such that never started count nothing', () => {
  const jobs = [copied(1000, from - 2 * hour, from - hour), jobFixture(2, workloadFixture(2))];
  expect(throughputHistory(jobs, from, from + hour, 2).bytesPerSecond).toEqual([0, 0]);
});

test('no byte is lost or counted twice, wherever a job begins and ends', () => {
  const minutes = fc.integer({ min: 0, max: 24 * 60 });
  fc.assert(
    fc.property(
      minutes,
      minutes,
      fc.integer({ min: 1, max: 2 ** 40 }),
      fc.integer({ min: 1, max: 200 }),
      (a, b, bytes, spans) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b) + 1].map((minute) => from + minute * 60_000);
        if (start === undefined || end === undefined) return;
        const to = from + 25 * hour;
        const { bytesPerSecond } = throughputHistory([copied(bytes, start, end)], from, to, spans);
        const sum = bytesPerSecond.reduce((total, rate) => total + rate * ((to - from) / spans / 1000), 0);
        expect(Math.abs(sum - bytes) / bytes).toBeLessThan(1e-6);
      },
    ),
  );
});
