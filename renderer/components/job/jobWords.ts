import type { DiskProgress, Job, JobStep, Orphan } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes } from '../format.ts';

/** What kinds of jobs are called, as the act that they do. */
export const kindWords: Record<Job['kind'], string> = {
  replicate: 'Replicate',
  verify: 'Verify',
  cleanup: 'Clean up',
  'test-failover': 'Test failover of',
  'live-failover': 'Cut over',
  commit: 'Commit',
  rollback: 'Roll back',
  'failover-cleanup': 'Clean up after failover of',
};

export const stateWords: Record<Job['state'], string> = {
  queued: 'Queued',
  running: 'Running',
  waiting: 'Waiting',
  succeeded: 'Succeeded',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export const stepWords: Record<JobStep['state'], string> = {
  pending: 'Not yet',
  running: 'Running',
  waiting: 'Waiting',
  done: 'Done',
  failed: 'Failed',
  skipped: 'Skipped',
};

export const phaseWords: Record<DiskProgress['phase'], string> = {
  waiting: 'Waiting',
  copying: 'Copying',
  verifying: 'Verifying',
  healing: 'Healing',
  done: 'Done',
  failed: 'Failed',
};

export const leftoverWords: Record<Orphan['kind'], string> = {
  snapshot: 'Snapshot',
  volume: 'Volume',
  attachment: 'Attachment',
  journal: 'Copy journal',
  vm: 'VM',
  'volume-snapshot': 'Volume snapshot',
  nic: 'NIC of the appliance',
  network: 'Network',
};

type WaitReason = NonNullable<Job['waitReason']>;

interface WaitWords {
  readonly title: string;
  /** What ends the wait. */
  readonly ends: string;
  /** Where a person ends it. */
  readonly action?: { readonly label: string; readonly path: string };
}

/** What a job waits for, and what makes it go on. */
export const waitWords: Record<WaitReason, WaitWords> = {
  credentials: {
    title: 'Waits for credentials',
    ends: 'It goes on as soon as the credentials are lent to the appliance.',
    action: { label: 'Lend credentials', path: '/credentials' },
  },
  'attach-slot': {
    title: 'Waits for an attach slot',
    ends: 'It goes on when another job has detached its volumes from the appliance.',
  },
  queue: { title: 'Waits for its turn', ends: 'It starts when one of the running jobs has ended.' },
  source: { title: 'Waits for vCenter', ends: 'It goes on as soon as vCenter answers.' },
  target: { title: 'Waits for CloudStack', ends: 'It goes on as soon as CloudStack answers.' },
  snapshot: {
    title: 'Waits for a snapshot',
    ends: 'It goes on when vCenter is done with the snapshots of this VM.',
  },
  retry: { title: 'Waits to try again', ends: 'It tries again by itself.' },
  replica: {
    title: 'Waits for the replica',
    ends: 'It goes on when the job that works on the replica has let go of it.',
  },
  paused: { title: 'Paused', ends: 'It goes on when it is resumed.' },
  person: { title: 'Waits for a person', ends: 'It goes on once this has been seen to.' },
};

/** Such as `Replicate web-1`. */
export function titleOf({ kind, workloadName }: Job): string {
  return workloadName === undefined ? kindWords[kind] : `${kindWords[kind]} ${workloadName}`;
}

/** Whether the job stands still until somebody does something. */
export function needsPerson({ state, waitReason }: Job): boolean {
  return state === 'waiting' && (waitReason === undefined || ['credentials', 'person'].includes(waitReason));
}

/** The screen on which a failover's job is followed and its questions are answered; undefined for other jobs and once it is over. */
export function failoverPathOf(job: Job): string | undefined {
  const { kind, workloadId } = job;
  if (workloadId === undefined || isOver(job)) return undefined;
  if (kind === 'test-failover') return `/workloads/${workloadId}/cutover?kind=test`;
  return ['live-failover', 'commit', 'rollback'].includes(kind)
    ? `/workloads/${workloadId}/cutover?kind=live`
    : undefined;
}

export const isOver = ({ state }: Job) => ['succeeded', 'failed', 'cancelled'].includes(state);

/** What became of a job that has succeeded. */
function resultOf({ kind, reports }: Job): string {
  if (kind === 'cleanup') return 'What was left over is removed.';
  if (reports.length === 0) return 'Done.';
  const copied = reports.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0);
  const healed = reports.reduce((sum, { healedChunks }) => sum + healedChunks, 0);
  const evidence = reports.every(({ verified }) => verified) ? 'verified' : 'not verified';
  const parts = [
    ...(kind === 'replicate' ? [`${formatBytes(copied)} copied`] : []),
    evidence,
    ...(healed > 0 ? [`${healed.toLocaleString()} chunks healed`] : []),
  ];
  const sentence = `${parts.join(', ')}.`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** What a job does now, waits for, failed of or has done, in a sentence. */
export function whatOf(job: Job): string {
  switch (job.state) {
    case 'queued':
      return job.message ?? `${waitWords.queue.title}.`;
    case 'waiting':
      return job.message ?? `${waitWords[job.waitReason ?? 'person'].title}.`;
    case 'running':
      return job.message ?? job.steps.find(({ state }) => state === 'running')?.title ?? 'Starts.';
    case 'failed':
      return job.problem?.detail ?? 'The job failed without telling why.';
    case 'cancelled':
      return 'Cancelled. What was copied is kept for the next run.';
    case 'succeeded':
      return resultOf(job);
  }
}
