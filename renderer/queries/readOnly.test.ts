import { expect, test } from 'vitest';
import { whyReadOnly } from './readOnly.ts';

test('an appliance that answers can be changed, however slow it is', () => {
  expect(whyReadOnly({ state: 'online' }, 'operator')).toBeUndefined();
  expect(whyReadOnly({ state: 'degraded' }, 'admin')).toBeUndefined();
});

test('nothing is changed on an appliance that does not answer', () => {
  for (const state of ['offline', 'connecting', 'disconnected', 'needs-attention'] as const)
    expect(whyReadOnly({ state }, 'admin')).toMatch(/offline/);
  expect(whyReadOnly(undefined, 'admin')).toMatch(/offline/);
});

test('a viewer is told that the token is what forbids it', () => {
  expect(whyReadOnly({ state: 'online' }, 'viewer')).toMatch(/token/);
});
