import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diskFixture, jobFixture, workloadFixture } from './jobFixture.ts';
import { bottleneckOf, liveJob, shareOf } from './liveJob.ts';

const workload = workloadFixture(1);
const sampleOf = (disks: ReturnType<typeof diskFixture>[]) => ({
  kind: 'progress' as const,
  at: '2026-01-02T00:01:00.000Z',
  jobId: jobFixture(1, workload).id,
  disks,
  bytesPerSecond: 1000,
});

test('a running job shows the counters of its sample, disk by disk', () => {
  const job = jobFixture(1, workload, {
    state: 'running',
    disks: [diskFixture(2000, { doneBytes: 10, plannedBytes: 100 })],
    etaSeconds: 9,
  });
  const live = liveJob(job, sampleOf([diskFixture(2000, { doneBytes: 60, plannedBytes: 100 })]));
  expect(live).toMatchObject({ doneBytes: 60, plannedBytes: 100, bytesPerSecond: 1000 });
  expect(live.disks).toHaveLength(1);
  expect(live.etaSeconds).toBeUndefined();
});

test('a late sample changes nothing of a job that is over', () => {
  const job = jobFixture(1, workload, { state: 'succeeded', disks: [diskFixture(2000, { doneBytes: 100 })] });
  expect(liveJob(job, sampleOf([diskFixture(2000, { doneBytes: 60 })]))).toBe(job);
});

test('progress never runs backwards, whichever of job and sample came last', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), (told, sampled) => {
      const disks = [diskFixture(2000, { doneBytes: told, plannedBytes: 1000 })];
      const job = jobFixture(1, workload, { state: 'running', disks, doneBytes: told, plannedBytes: 1000 });
      const live = liveJob(job, sampleOf([diskFixture(2000, { doneBytes: sampled, plannedBytes: 1000 })]));
      expect(live.doneBytes).toBe(Math.max(told, sampled));
      const share = shareOf(live, false);
      expect(share).toBeGreaterThanOrEqual(told / 1000);
      expect(share).toBeLessThanOrEqual(1);
    }),
  );
});

test('the next copy of a job begins at nothing, whatever the one before has counted', () => {
  const before = diskFixture(2000, { phase: 'done', doneBytes: 700, plannedBytes: 700, readBytes: 700 });
  const job = jobFixture(1, workload, {
    state: 'running',
    disks: [before],
    doneBytes: 700,
    plannedBytes: 700,
  });
  const next = diskFixture(2000, { phase: 'copying', doneBytes: 20, plannedBytes: 300 });
  expect(liveJob(job, sampleOf([next]))).toMatchObject({ doneBytes: 20, plannedBytes: 300, disks: [next] });
});

test('a job without anything to copy is done when it is over', () => {
  expect(shareOf({ plannedBytes: 0, doneBytes: 0 }, false)).toBe(0);
  expect(shareOf({ plannedBytes: 0, doneBytes: 0 }, true)).toBe(1);
});

test('the part that the copy waited for most is named, but not while nothing holds it up', () => {
  const waits = { source: 0.62, digest: 0.05, target: 0.3, throttle: 0.02 };
  expect(bottleneckOf([diskFixture(2000, { waits })])).toBe('62 % of the time went into reading the source.');
  const idle = { source: 0.1, digest: 0, target: 0.1, throttle: 0 };
  expect(bottleneckOf([diskFixture(2000, { waits: idle })])).toBeUndefined();
  expect(bottleneckOf([diskFixture(2000, { waits, phase: 'done' })])).toBeUndefined();
});
