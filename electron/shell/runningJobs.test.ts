import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { AgentEvent, type Job } from '../../appliance-agent/src/contract/index.ts';
import { RunningJobs } from './runningJobs.ts';

const at = '2026-01-05T08:00:00.000Z';

/** A job that becomes what it is told to, and tells it. */
function jobOf(workloadId: string, watcher: RunningJobs) {
  const id = randomUUID();
  return (state: Job['state']) =>
    watcher.take(
      AgentEvent.parse({
        kind: 'job',
        at,
        job: {
          id,
          kind: 'replicate',
          state,
          workloadId,
          workloadName: 'web-1',
          steps: [],
          disks: [],
          reports: [],
          plannedBytes: 0,
          doneBytes: 0,
          bytesPerSecond: 0,
          paused: false,
          createdAt: at,
          createdBy: 'jo',
        },
      }),
    );
}

function watch() {
  const told: string[] = [];
  const jobs = new RunningJobs((running, failed) => told.push(`${running} ${failed}`));
  return { jobs, told };
}

test('queued and waiting jobs count as those that go on, and each change is told once', () => {
  const { jobs, told } = watch();
  const one = jobOf(randomUUID(), jobs);
  const other = jobOf(randomUUID(), jobs);
  one('queued');
  one('running');
  other('waiting');
  one('succeeded');
  other('cancelled');
  expect(told).toEqual(['1 0', '2 0', '1 0', '0 0']);
});

test('a workload that failed twice needs somebody once, until a job of it goes well', () => {
  const { jobs } = watch();
  const workloadId = randomUUID();
  for (const [state, failed] of [
    ['failed', 1],
    ['failed', 1],
    ['cancelled', 1],
    ['succeeded', 0],
  ] as const) {
    jobOf(workloadId, jobs)(state);
    expect(jobs.failed).toBe(failed);
  }
});

test('what was removed needs nobody', () => {
  const { jobs } = watch();
  const workloadId = randomUUID();
  jobOf(workloadId, jobs)('failed');
  jobs.take(AgentEvent.parse({ kind: 'workload-removed', at, workloadId }));
  expect(jobs.failed).toBe(0);
});
