import { expect, test } from 'vitest';
import { obstacleOf } from './firstRunSteps.ts';

test('accounts need no connection; defaults need a cloud, and the appliance to ask it', () => {
  const nothing = { connected: false, hasTarget: false };
  expect(obstacleOf('vcenter', nothing)).toBeUndefined();
  expect(obstacleOf('cloudstack', nothing)).toBeUndefined();
  expect(obstacleOf('defaults', nothing)).toContain('add a cloud');
  expect(obstacleOf('defaults', { connected: false, hasTarget: true })).toContain('connect it');
  expect(obstacleOf('defaults', { connected: true, hasTarget: true })).toBeUndefined();
});
