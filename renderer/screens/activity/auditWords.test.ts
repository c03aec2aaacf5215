import { expect, test } from 'vitest';
import { routes } from '../../../appliance-agent/src/contract/index.ts';
import { jobFixture, workloadFixture } from '../../components/job/jobFixture.ts';
import { actOf, knownSubjects, subjectOf } from './auditWords.ts';

const workload = workloadFixture(1);
const job = jobFixture(1, workload);
const known = knownSubjects({ workloads: [workload], jobs: [job], sources: [], targets: [] });

test('every change has words of the console, not those of the interface', () => {
  for (const [action, { method, summary }] of Object.entries(routes))
    if (method !== 'GET') expect(actOf({ action }), action).not.toContain(summary);
});

test('reading, told only where it is refused, has the words of the interface, an unknown action its name', () => {
  expect(actOf({ action: 'listTokens' })).toBe(`Read: ${routes.listTokens.summary}`);
  expect(actOf({ action: 'startFailover' })).toBe('startFailover');
  expect(actOf({ action: 'toString' })).toBe('toString');
});

test('an id becomes what is known by it', () => {
  expect(subjectOf({ subject: workload.id }, known)).toEqual({
    name: workload.name,
    path: `/workloads/${workload.id}`,
  });
  expect(subjectOf({ subject: job.id }, known).path).toBe(`/jobs/${job.id}`);
  expect(subjectOf({ subject: 'removed long ago' }, known)).toEqual({ name: 'removed long ago' });
});

test('an address becomes what it speaks of', () => {
  expect(subjectOf({ subject: `/v1/workloads/${workload.id}/replicate` }, known).name).toBe(workload.name);
  expect(subjectOf({ subject: '/v1/limits' }, known).name).toBe('The appliance');
  expect(subjectOf({ subject: '/v1/tokens/77' }, known).name).toBe('77');
  expect(subjectOf({ subject: '/nowhere' }, known).name).toBe('/nowhere');
});
