import { expect, test } from 'vitest';
import { WorkloadSettings } from '../../../appliance-agent/src/contract/index.ts';
import { type Choices, initialChoices, readChoices } from './choices.ts';

const settings = WorkloadSettings.parse({ conversion: { kind: 'none', hardware: 'emulated' } });
const choose = (kind: Choices['kind'], change: Partial<Choices> = {}) =>
  readChoices({ ...initialChoices(kind, { settings }), ...change }, settings, Date.parse('2026-03-01T12:00'));

test('what nobody chose is the workload’s conversion and the contract’s defaults', () => {
  expect(choose('test').request).toMatchObject({
    kind: 'test',
    point: 'latest',
    reach: 'auto',
    createNetwork: false,
    conversion: { kind: 'none', hardware: 'emulated' },
  });
  expect(choose('live').request).toMatchObject({
    kind: 'live',
    mode: 'planned',
    shutdownPolicy: 'ask',
    fenceSource: true,
    commitMinutes: 240,
  });
  expect(choose('live').request).not.toHaveProperty('startAt');
});

test('checks are read a line each, and one that cannot be read is quoted', () => {
  const checks = 'ping\n tcp 22 \n\ntcp 10.1.0.5:443\nping gateway.example';
  expect(choose('test', { checks }).request?.checks).toEqual([
    { kind: 'ping' },
    { kind: 'tcp', port: 22 },
    { kind: 'tcp', port: 443, host: '10.1.0.5' },
    { kind: 'ping', host: 'gateway.example' },
  ]);
  for (const wrong of ['tcp', 'tcp 0', 'tcp 70000', 'http 80', 'guest-agent', 'ping a b'])
    expect(choose('test', { checks: wrong })).toEqual({
      problems: { checks: expect.stringContaining(wrong) },
    });
});

test('numbers and moments out of range are told by their field, and nothing is asked', () => {
  expect(choose('live', { maxRounds: '21', commitMinutes: '', shutdownTimeout: '4.5' })).toEqual({
    problems: {
      maxRounds: 'A whole number from 0 to 20',
      commitMinutes: 'A whole number from 1 to 20160',
      shutdownTimeout: 'A whole number from 5 to 86400',
    },
  });
});

test('a beginning and an end are asked for where they are chosen, and have to be later than now', () => {
  const window = { when: 'window', startAt: '2026-03-02T22:00', startBefore: '2026-03-02T21:00' } as const;
  expect(choose('live', window).problems).toEqual({ startBefore: 'After the beginning' });
  const right = { ...window, startBefore: '2026-03-03T02:00' };
  const [startAt, startBefore] = [right.startAt, right.startBefore].map((at) => new Date(at).toISOString());
  expect(choose('live', right).request).toMatchObject({ startAt, startBefore });
  expect(choose('live', { ...right, startAt: '' }).request).toMatchObject({ startBefore });
  expect(choose('live', { ...right, when: 'at' }).request).not.toHaveProperty('startBefore');
  expect(choose('live', { ...right, when: 'now' }).request).not.toHaveProperty('startAt');
  expect(choose('live', { when: 'at' }).problems).toEqual({ startAt: 'A date and a time' });
  expect(choose('live', { when: 'at', startAt: '2026-03-01T11:00' }).problems).toEqual({
    startAt: 'Later than now',
  });
});

test('how the checks reach the VM is asked of a test alone', () => {
  expect(choose('test', { reach: 'nic' }).request).toMatchObject({ reach: 'nic' });
  expect(choose('live', { reach: 'nic' }).request).not.toHaveProperty('reach');
});

test('a network that is made is not chosen as well', () => {
  expect(choose('test', { createNetwork: true, networkId: 'n-1' }).request).not.toHaveProperty('networkId');
  expect(choose('test', { networkId: 'n-1', confirmNetwork: ' Production ' }).request).toMatchObject({
    networkId: 'n-1',
    confirmNetwork: 'Production',
  });
});
