import { expect, test } from 'vitest';
import { jobFixture, workloadFixture } from './jobFixture.ts';
import { retryOf } from './retry.ts';

const workload = workloadFixture(1);

test('what failed or was cancelled can be done again, what runs or succeeded cannot', () => {
  const again = { kind: 'replicate', workloadId: workload.id };
  expect(retryOf(jobFixture(1, workload, { state: 'failed' }))).toEqual(again);
  expect(retryOf(jobFixture(1, workload, { state: 'cancelled' }))).toEqual(again);
  for (const state of ['queued', 'running', 'waiting', 'succeeded'] as const)
    expect(retryOf(jobFixture(1, workload, { state }))).toBeUndefined();
});

test('a verification is repeated the way it was asked for', () => {
  const failed = { kind: 'verify', state: 'failed' } as const;
  const steps = [{ name: 'snapshot', title: 'Take a snapshot', state: 'done' as const }];
  expect(retryOf(jobFixture(1, workload, failed))).toMatchObject({ mode: 'readback' });
  expect(retryOf(jobFixture(1, workload, { ...failed, steps }))).toMatchObject({ mode: 'source' });
});

test('a clean-up is planned anew instead, as it may have been a removal', () => {
  expect(retryOf(jobFixture(1, workload, { kind: 'cleanup', state: 'failed' }))).toBeUndefined();
});
