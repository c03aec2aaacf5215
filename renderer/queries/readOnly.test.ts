import { expect, test } from 'vitest';
import { asKnown } from './agent.ts';
import { lastKnownAt, whyReadOnly } from './readOnly.ts';

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

const since = '2026-01-05T08:10:00.000Z';
const lastSeen = '2026-01-05T08:09:55.000Z';

test('what is known of an appliance is as old as its last answer from the moment on that it does not answer', () => {
  expect(lastKnownAt({ state: 'online', since, lastSeen })).toBeUndefined();
  expect(lastKnownAt({ state: 'offline', since, lastSeen })).toBe(lastSeen);
  expect(lastKnownAt({ state: 'disconnected', since })).toBe(since);
  expect(lastKnownAt(undefined)).toBeUndefined();
});

test('an answer that was read a moment before the connection was lost is not told as live for the rest of its time', () => {
  const answer = { data: ['web-01'] };
  expect(asKnown(answer, undefined)).toBe(answer);
  expect(asKnown(answer, lastSeen)).toEqual({ data: ['web-01'], cachedAt: lastSeen });
  // What main told out of its cache may be older still.
  const older = { ...answer, cachedAt: '2026-01-04T20:00:00.000Z' };
  expect(asKnown(older, lastSeen)).toBe(older);
});
