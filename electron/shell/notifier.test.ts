import { expect, test } from 'vitest';
import {
  type AgentEvent,
  Failover,
  Job,
  StartLiveFailover,
} from '../../appliance-agent/src/contract/index.ts';
import { ProfileId } from '../ipc/contract.ts';
import { type Notice, Notifier } from './notifier.ts';

const appliance = ProfileId.parse('f1000000-0000-4000-8000-000000000001');
const workload = { workloadId: 'b1000000-0000-4000-8000-000000000001', workloadName: 'shop-1' };
const failoverId = 'd1000000-0000-4000-8000-000000000001';
const at = '2026-01-05T08:00:00.000Z';

function told(...events: AgentEvent[]): Notice[] {
  const notices: Notice[] = [];
  const notifier = new Notifier(
    () => ({ notifyFinished: true, notifyAttention: true }),
    (notice) => notices.push(notice),
  );
  for (const event of events) notifier.take(appliance, event);
  return notices;
}

function failover(state: Failover['state'], changes: Partial<Failover> = {}): AgentEvent {
  const request = { kind: 'live', ...StartLiveFailover.parse({}) };
  const made = { id: failoverId, kind: 'live', ...workload, state, request, createdBy: 'jo', createdAt: at };
  return { kind: 'failover', at, failover: { ...Failover.parse(made), ...changes } };
}

const asking = (since: string) =>
  failover('running', { question: { text: 'Power it off, or wait?', answers: ['force', 'wait'], since } });

test('a question of a cutover opens where it is answered', () => {
  expect(told(asking(at))).toEqual([
    {
      title: 'The cutover of shop-1 needs you',
      body: 'Power it off, or wait?',
      path: `/workloads/${workload.workloadId}/cutover/${failoverId}?appliance=${appliance}`,
      urgent: true,
    },
  ]);
});

test('a question is told once, also when older events come after it; another one is told again', () => {
  expect(told(asking(at), failover('running'), asking(at))).toHaveLength(1);
  expect(told(asking(at), failover('running'), asking('2026-01-05T08:05:00.000Z'))).toHaveLength(2);
});

test('the job that waits with the question says nothing of its own; one without credentials does', () => {
  const job = (waitReason: Job['waitReason']): AgentEvent => ({
    kind: 'job',
    at,
    job: Job.parse({
      id: 'c1000000-0000-4000-8000-000000000001',
      kind: 'live-failover',
      ...workload,
      state: 'waiting',
      waitReason,
      steps: [],
      disks: [],
      reports: [],
      plannedBytes: 0,
      doneBytes: 0,
      bytesPerSecond: 0,
      createdBy: 'jo',
      createdAt: at,
    }),
  });
  expect(told(job('person'))).toEqual([]);
  expect(told(job('credentials')).map(({ title }) => title)).toEqual(['Cutover of shop-1 needs you']);
});

test('the end of the time to commit is told, and that a window passed', () => {
  const over = (state: Failover['state'], code: 'failover.undecided' | 'failover.expired') =>
    failover(state, {
      problem: { code, title: 'Over', detail: 'The time ended.', remedy: 'Decide.', retryable: false },
    });
  expect(told(over('active', 'failover.undecided')).map(({ title }) => title)).toEqual([
    'Commit or roll back shop-1',
  ]);
  expect(told(over('expired', 'failover.expired')).map(({ title }) => title)).toEqual([
    'The window for the cutover of shop-1 passed',
  ]);
});
