import { beforeEach, expect, test } from 'vitest';
import { useProgress } from './progress.ts';

const sample = (jobId: string, second: number, bytesPerSecond: number) => ({
  kind: 'progress' as const,
  at: new Date(second * 1000).toISOString(),
  jobId,
  disks: [],
  bytesPerSecond,
});

beforeEach(() => useProgress.setState(useProgress.getInitialState(), true));

test('an appliance’s throughput is the sum of its jobs, a job’s its own', () => {
  const { add } = useProgress.getState();
  add('a', sample('one', 1000, 10));
  add('b', sample('three', 1000, 100));
  add('a', sample('two', 1001, 5));
  const { throughput, jobThroughput } = useProgress.getState();
  expect(throughput.get('a')).toEqual([
    { at: 1000, bytesPerSecond: 10 },
    { at: 1001, bytesPerSecond: 15 },
  ]);
  expect(jobThroughput.get('two')).toEqual([{ at: 1001, bytesPerSecond: 5 }]);
});

test('points older than ten minutes are dropped, so that a job of days stays small', () => {
  const { add } = useProgress.getState();
  for (let second = 0; second < 2000; second++) add('a', sample('one', second, 1));
  expect(useProgress.getState().jobThroughput.get('one')).toHaveLength(600);
  expect(useProgress.getState().throughput.get('a')).toHaveLength(600);
});

test('nothing is kept of a job that has ended', () => {
  const { add, forget } = useProgress.getState();
  add('a', sample('one', 1000, 10));
  forget('one');
  const { samples, jobThroughput } = useProgress.getState();
  expect(samples.size + jobThroughput.size).toBe(0);
});

test('when a job ends, the appliance goes as fast as its other jobs, and at the end at nothing', () => {
  const { add, forget } = useProgress.getState();
  add('a', sample('one', 1000, 10));
  add('a', sample('two', 1001, 5));
  forget('one');
  const rates = () =>
    useProgress
      .getState()
      .throughput.get('a')
      ?.map(({ bytesPerSecond }) => bytesPerSecond);
  expect(rates()).toEqual([10, 15, 5]);
  forget('two');
  expect(rates()).toEqual([10, 15, 5, 0]);
  const times =
    useProgress
      .getState()
      .throughput.get('a')
      ?.map(({ at }) => at) ?? [];
  expect(times.toSorted((a, b) => a - b)).toEqual(times);
});
