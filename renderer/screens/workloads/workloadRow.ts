import type { Failover, Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { needsPerson, titleOf, whatOf } from '../../components/job/jobWords.ts';
import { behindSince, stateLabel } from '../../components/workload/lifecycle.ts';
import { standingText } from '../../components/workload/standing.ts';

/** A workload as the table and the board show it. */
export interface WorkloadRow {
  readonly workload: Workload;
  /** The job that runs or waits now. */
  readonly job: Job | undefined;
  readonly next: NextAct;
  readonly diskBytes: number;
  /** The moment that the replica shows, while the source goes on past it; ISO 8601. */
  readonly behind: string | undefined;
  /** When what is shown was so, if it is not live; ISO 8601. */
  readonly cachedAt: string | undefined;
}

/** What should be done with a workload now, or what is being done with it. */
export interface NextAct {
  readonly text: string;
  /** Somebody is needed. */
  readonly urgent: boolean;
}

export function nextOf(
  { state, attention, settings }: Workload,
  job: Job | undefined,
  standing?: Failover,
): NextAct {
  if (job) return { text: whatOf(job), urgent: needsPerson(job) };
  if (attention) return { text: attention.title, urgent: true };
  const text = standing && standingText(standing);
  if (text !== undefined) return { text, urgent: false };
  switch (state) {
    case 'managed':
      return { text: 'Start the first replication', urgent: false };
    case 'protected':
      return {
        text:
          settings.schedule.kind === 'manual'
            ? 'Replicate again, or start a test'
            : 'Start a test, or cut over',
        urgent: false,
      };
    case 'testing':
      return { text: 'Look at the test, then end it', urgent: false };
    case 'failed-over':
      return { text: 'Commit or roll back', urgent: false };
    case 'migrated':
      return { text: 'Nothing left to do', urgent: false };
  }
}

/** Joins workloads with the jobs that go on now. */
export function workloadRows(
  workloads: readonly Workload[],
  activeJobs: readonly Job[],
  cachedAt: string | undefined,
  standing: ReadonlyMap<string, Failover> = new Map(),
): readonly WorkloadRow[] {
  const jobs = new Map(activeJobs.map((job) => [job.id, job]));
  return workloads.map((workload) => {
    const job = workload.currentJobId === undefined ? undefined : jobs.get(workload.currentJobId);
    return {
      workload,
      job,
      next: nextOf(workload, job, standing.get(workload.id)),
      diskBytes: workload.disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0),
      behind: behindSince(workload),
      cachedAt,
    };
  });
}

/** What of the workloads is shown. */
export interface WorkloadFilter {
  /** A state of the life cycle; undefined: all. */
  readonly state: string | undefined;
  readonly text: string;
}

/** Whether a row is shown; undefined: all are. */
export function acceptsWorkload({
  state,
  text,
}: WorkloadFilter): ((row: WorkloadRow) => boolean) | undefined {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (state === undefined && words.length === 0) return undefined;
  return ({ workload, job, next }) => {
    if (state !== undefined && workload.state !== state) return false;
    const written = [
      workload.name,
      workload.settings.targetName,
      stateLabel(workload.state),
      next.text,
      job && titleOf(job),
      ...workload.disks.map(({ volumeName }) => volumeName),
    ]
      .join(' ')
      .toLowerCase();
    return words.every((word) => written.includes(word));
  };
}

/** What starting replications of several workloads at once will do to each. */
export interface ReplicationPlan {
  /** Those without a replica: every block that is in use is copied. */
  readonly first: readonly Workload[];
  /** Those with one: what has changed since is copied. */
  readonly again: readonly Workload[];
  /** Those that have a job already, or that have left the source. */
  readonly leftOut: readonly Workload[];
}

export function planReplication(workloads: readonly Workload[]): ReplicationPlan {
  const open = workloads.filter((workload) => whyNotReplicate(workload) === undefined);
  return {
    first: open.filter(({ state }) => state === 'managed'),
    again: open.filter(({ state }) => state !== 'managed'),
    leftOut: workloads.filter((workload) => whyNotReplicate(workload) !== undefined),
  };
}

const goesOn = 'A job of this workload goes on already';
/** States in which a VM of the cloud runs on the volumes of the replica. */
const inCloud: ReadonlySet<Workload['state']> = new Set(['failed-over', 'migrated']);

/** Why a workload cannot be replicated now, as a button's reason; undefined: it can. */
export function whyNotReplicate({ state, currentJobId }: Workload): string | undefined {
  if (currentJobId !== undefined) return goesOn;
  if (inCloud.has(state)) return 'The VM runs in the cloud now; a replication would overwrite it';
  return undefined;
}

/** Why a replica cannot be verified now, as a button's reason; undefined: it can. */
export function whyNotVerify({ state, currentJobId, replicatedUntil }: Workload): string | undefined {
  if (currentJobId !== undefined) return goesOn;
  if (inCloud.has(state)) return 'The VM runs in the cloud now, and has written to its volumes';
  if (replicatedUntil === undefined) return 'There is no replica yet: replicate first';
  return undefined;
}

/** Why a workload cannot be removed with its replica now, as a button's reason; undefined: it can. */
export function whyNotRemove({ state, currentJobId }: Workload): string | undefined {
  if (currentJobId !== undefined) return 'Cancel its job first';
  if (state === 'testing') return 'End the test first';
  if (inCloud.has(state)) return 'The VM runs in the cloud now, on the volumes of the replica';
  return undefined;
}
