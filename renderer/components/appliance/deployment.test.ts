import { expect, test } from 'vitest';
import type { DeployProgress } from '../../../electron/ipc/contract.ts';
import { noSteps, stateOf, takeProgress } from './useDeployment.ts';

const progress = (
  step: DeployProgress['step'],
  state: DeployProgress['state'],
  output = '',
): DeployProgress => ({
  applianceId: '00000000-0000-4000-8000-000000000001',
  step,
  state,
  output,
});

test('output is gathered by step', () => {
  const steps = [
    progress('connect', 'running'),
    progress('connect', 'done'),
    progress('upload', 'running', '10 %\n'),
    progress('upload', 'running', '20 %\n'),
  ].reduce(takeProgress, noSteps);
  expect(steps.find(({ name }) => name === 'upload')).toMatchObject({
    state: 'running',
    output: '10 %\n20 %\n',
  });
  expect(stateOf(steps)).toBe('running');
});

test('after a failure the next attempt starts with a clean list', () => {
  const failed = [progress('connect', 'running'), progress('connect', 'failed', 'no route')].reduce(
    takeProgress,
    noSteps,
  );
  expect(stateOf(failed)).toBe('failed');
  const again = takeProgress(failed, progress('connect', 'running'));
  expect(stateOf(again)).toBe('running');
  expect(again[0]?.output).toBe('');
});

test('it is done when every step is', () => {
  const done = noSteps.map(({ name }) => progress(name, 'done')).reduce(takeProgress, noSteps);
  expect(stateOf(noSteps)).toBe('idle');
  expect(stateOf(done)).toBe('done');
});
