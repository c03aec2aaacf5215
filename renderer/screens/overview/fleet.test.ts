import { expect, test } from 'vitest';
import { CloudDiscovery } from '../../../appliance-agent/src/contract/index.ts';
import { workloadFixture } from '../../components/job/jobFixture.ts';
import { breaksGoal, capacitiesOf, fullness, worstLags } from './fleet.ts';

const now = Date.parse('2026-01-01T10:00:00.000Z');
const at = (hour: number) => `2026-01-01T0${hour}:00:00.000Z`;

test('the lag is that of replicas whose source still runs, the worst first', () => {
  const lags = worstLags(
    [
      workloadFixture(1, { replicatedUntil: at(9) }),
      workloadFixture(2, { replicatedUntil: at(1) }),
      workloadFixture(3, { replicatedUntil: at(0), state: 'failed-over' }),
      workloadFixture(4, { state: 'managed' }),
      workloadFixture(5, { replicatedUntil: at(5), state: 'testing' }),
    ],
    now,
    2,
  );
  expect(lags.map(({ workload, seconds }) => [workload.name, seconds])).toEqual([
    ['web-2', 9 * 3600],
    ['web-5', 5 * 3600],
  ]);
});

test('a replica that breaks what was agreed comes before one that is older and may be', () => {
  const agreed = workloadFixture(1, { replicatedUntil: at(9) });
  const broken = { ...agreed, settings: { ...agreed.settings, rpoGoalSeconds: 900 } };
  const kept = workloadFixture(2, { replicatedUntil: at(1) });
  const lags = worstLags([kept, broken], now, 2);
  expect(lags.map((lag) => [lag.workload.name, breaksGoal(lag)])).toEqual([
    ['web-1', true],
    ['web-2', false],
  ]);
});

test('a clock that goes ahead makes no lag below zero', () => {
  expect(worstLags([workloadFixture(1, { replicatedUntil: at(9) })], now - 7_200_000, 1)[0]?.seconds).toBe(0);
});

test('what is unlimited cannot run out', () => {
  const discovery = CloudDiscovery.parse({
    account: 'a',
    domain: 'ROOT',
    zones: [],
    serviceOfferings: [],
    diskOfferings: [],
    networks: [],
    templates: [],
    osTypes: [],
    limits: [
      { resource: 'volume', max: 20, used: 19 },
      { resource: 'memory', max: -1, used: 100 },
      { resource: 'public-ip', max: 5, used: 5 },
    ],
    capabilities: {
      version: '4.22.0.0',
      deployFromVolume: true,
      deployFromSnapshot: true,
      importVolume: true,
      importVm: true,
      vmLease: true,
    },
    attachSlots: { used: 6, max: 24 },
  });
  expect(capacitiesOf(discovery).map(({ id, used, max }) => [id, used, max])).toEqual([
    ['slots', 6, 24],
    ['volume', 19, 20],
  ]);
});

test('a limit is noteworthy from three quarters on; one of zero is full', () => {
  expect([0, 74, 75, 89, 90, 100].map((used) => fullness({ used, max: 100 }))).toEqual([
    'fine',
    'fine',
    'noteworthy',
    'noteworthy',
    'nearly-full',
    'nearly-full',
  ]);
  expect(fullness({ used: 0, max: 0 })).toBe('nearly-full');
});
