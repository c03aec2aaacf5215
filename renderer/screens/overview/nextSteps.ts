import type { Failover, Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { failoverPathOf } from '../../components/job/jobWords.ts';
import { standingText } from '../../components/workload/standing.ts';

/** Something that waits for a person, and where it is done. */
export interface NextStep {
  readonly id: string;
  /** What it is about. */
  readonly subject: string;
  /** What is the matter, in a sentence. */
  readonly reason: string;
  readonly remedy?: string | undefined;
  readonly action: { readonly label: string; readonly path: string };
  /** Since when it waits; ISO 8601. */
  readonly since: string;
  readonly urgent: boolean;
}

/** What a waiting job waits for that only a person can give. */
const personal: Partial<
  Record<NonNullable<Job['waitReason']>, { readonly label: string; readonly path: string }>
> = {
  credentials: { label: 'Lend credentials', path: '/credentials' },
  person: { label: 'Look at it', path: '/jobs' },
};

/** What a failover that stands waits for. */
const decisions: Partial<
  Record<
    Workload['state'],
    { readonly reason: string; readonly label: string; readonly kind: 'test' | 'live' }
  >
> = {
  testing: { reason: 'A test VM runs.', label: 'Look at the test', kind: 'test' },
  'failed-over': {
    reason: 'Runs on the target, not committed yet.',
    label: 'Commit or roll back',
    kind: 'live',
  },
};

function whereSeenTo(job: Job, label: string): NextStep['action'] {
  const path = failoverPathOf(job);
  return path === undefined ? { label, path: `/jobs/${job.id}` } : { label: 'Answer it', path };
}

/**
 * What engineers should do now: workloads that ask for someone, jobs that wait for a person or failed and were not tried
 * again since, failovers that wait for a decision, and workloads without any replica. The urgent first, within those the oldest.
 * @param jobs newest first, as the agent lists them
 * @param standing failovers that wait for a decision, by workload
 */
export function nextSteps(
  workloads: readonly Workload[],
  jobs: readonly Job[],
  standing: ReadonlyMap<string, Failover> = new Map(),
): readonly NextStep[] {
  const steps: NextStep[] = [];
  const told = new Set<string>();
  const latest = new Map<string, Job>();
  for (const job of jobs)
    if (job.workloadId !== undefined && !latest.has(job.workloadId)) latest.set(job.workloadId, job);

  for (const { id, name, attention, createdAt } of workloads) {
    if (!attention) continue;
    told.add(id);
    steps.push({
      id: `workload ${id}`,
      subject: name,
      reason: attention.detail,
      remedy: attention.remedy,
      action: { label: 'Show workload', path: `/workloads/${id}` },
      since: latest.get(id)?.endedAt ?? createdAt,
      urgent: true,
    });
  }
  for (const job of jobs) {
    const subject = job.workloadName ?? 'Clean-up';
    const wanted = job.state === 'waiting' ? personal[job.waitReason ?? 'person'] : undefined;
    if (wanted)
      steps.push({
        id: `job ${job.id}`,
        subject,
        reason: job.message ?? 'The job waits for a person.',
        action: wanted.path === '/jobs' ? whereSeenTo(job, wanted.label) : wanted,
        since: job.startedAt ?? job.createdAt,
        urgent: true,
      });
    const superseded = job.workloadId !== undefined && latest.get(job.workloadId) !== job;
    if (job.state === 'failed' && !superseded && !told.has(job.workloadId ?? ''))
      steps.push({
        id: `job ${job.id}`,
        subject,
        reason: job.problem?.detail ?? 'The job failed.',
        remedy: job.problem?.remedy,
        action: { label: 'Show job', path: `/jobs/${job.id}` },
        since: job.endedAt ?? job.createdAt,
        urgent: true,
      });
  }
  for (const { id, name, state, failoverId, replicatedUntil, createdAt } of workloads) {
    const waiting = told.has(id) || failoverId === undefined ? undefined : decisions[state];
    if (!waiting) continue;
    const failover = standing.get(id);
    const dated = failover && standingText(failover);
    steps.push({
      id: `failover ${failoverId}`,
      subject: name,
      reason: dated === undefined ? waiting.reason : `${waiting.reason} ${dated}.`,
      action: { label: waiting.label, path: `/workloads/${id}/cutover?kind=${waiting.kind}` },
      since: replicatedUntil ?? createdAt,
      urgent: false,
    });
  }
  for (const { id, name, state, currentJobId, createdAt } of workloads) {
    const replicaWanted = state === 'managed' && currentJobId === undefined && !told.has(id);
    if (!replicaWanted || latest.get(id)?.state === 'failed') continue;
    steps.push({
      id: `workload ${id}`,
      subject: name,
      reason: 'No replica yet.',
      action: { label: 'Start replication', path: `/workloads/${id}` },
      since: createdAt,
      urgent: false,
    });
  }
  return steps.sort(
    (a, b) => Number(b.urgent) - Number(a.urgent) || Date.parse(a.since) - Date.parse(b.since),
  );
}
