import { expect, test } from 'vitest';
import {
  type Failover,
  FailoverState,
  StartLiveFailover,
  StartTestFailover,
} from '../../../appliance-agent/src/contract/index.ts';
import { failoverStateLabel, hasEnded, nextStepOf, unfinishedOf } from './failoverWords.ts';

function failover(kind: Failover['kind'], state: FailoverState, more: Partial<Failover> = {}): Failover {
  return {
    id: '5f0c6f0e-6a3f-4b1c-9a53-6f8a2f4c9d10',
    kind,
    workloadId: '5f0c6f0e-6a3f-4b1c-9a53-6f8a2f4c9d11',
    workloadName: 'web-1',
    state,
    request:
      kind === 'test' ? { kind, ...StartTestFailover.parse({}) } : { kind, ...StartLiveFailover.parse({}) },
    createdBy: 'jo',
    createdAt: '2026-03-01T10:00:00.000Z',
    ...more,
  };
}

test('every state has words, and one that has ended leaves nothing to do', () => {
  for (const kind of ['test', 'live'] as const)
    for (const state of FailoverState.options) {
      expect(failoverStateLabel({ kind, state })).not.toBe('');
      if (hasEnded({ state })) expect(nextStepOf(failover(kind, state))).toBeUndefined();
    }
});

test('a person is told what waits for them: a question first, a failed proof before the timer', () => {
  const question = {
    text: 'The guest does not shut down.',
    answers: ['force' as const],
    since: '2026-03-01T10:00:00Z',
  };
  expect(nextStepOf(failover('live', 'running', { question }))).toBe(question.text);
  expect(nextStepOf(failover('live', 'running'))).toBeUndefined();
  const proof = {
    at: '2026-03-01T10:00:00Z',
    powerState: 'Running',
    checks: [],
    screenshot: false,
    passed: false,
  };
  expect(nextStepOf(failover('live', 'active', { proof }))).toContain('boot proof failed');
  expect(nextStepOf(failover('live', 'active', { commitBy: '2026-03-01T14:00:00Z' }))).toContain('timer');
  expect(nextStepOf(failover('test', 'active'))).toContain('end the test');
  expect(nextStepOf(failover('live', 'interrupted'))).toContain('Clean up');
});

test('a commit, rollback or cleanup that failed half-way can be done again, and one that works needs nobody', () => {
  const problem: Failover['problem'] = {
    code: 'vsphere.unreachable',
    title: 'vCenter cannot be reached',
    detail: 'It does not answer.',
    retryable: true,
  };
  const acts = { committing: 'commit', 'rolling-back': 'rollback', cleaning: 'cleanup' } as const;
  for (const [state, act] of Object.entries(acts)) {
    const stuck = failover('live', FailoverState.parse(state), { problem });
    expect(unfinishedOf(stuck)?.act).toBe(act);
    expect(nextStepOf(stuck)).toContain('again');
    expect(unfinishedOf({ ...stuck, problem: undefined })).toBeUndefined();
  }
});
