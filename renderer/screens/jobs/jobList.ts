import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { titleOf, whatOf } from '../../components/job/jobWords.ts';

/** What of the jobs is shown; `waiting` also takes what is queued. */
export const jobFilters = ['all', 'running', 'waiting', 'failed', 'succeeded', 'cancelled'] as const;
export type JobFilter = (typeof jobFilters)[number];

/** The filter of an address such as `?state=failed`; what is not one is all. */
export function filterFrom(state: string | null): JobFilter {
  return jobFilters.find((filter) => filter === state) ?? 'all';
}

export function isShown({ state }: Pick<Job, 'state'>, filter: JobFilter): boolean {
  return filter === 'all' || state === filter || (filter === 'waiting' && state === 'queued');
}

/** Several answers as one list without doubles, newest first. Of a job that is told twice, the earlier list's counts. */
export function mergeJobs(lists: readonly (readonly Job[])[]): readonly Job[] {
  const jobs = new Map<string, Job>();
  for (const list of lists) for (const job of list) if (!jobs.has(job.id)) jobs.set(job.id, job);
  return [...jobs.values()].toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
}

/** The places of the queued jobs, from 1, in the order in which they were asked for. */
export function queuePlaces(jobs: readonly Job[]): ReadonlyMap<string, number> {
  const queued = jobs
    .filter(({ state }) => state === 'queued')
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  return new Map(queued.map(({ id }, index) => [id, index + 1]));
}

/** A search over what is written of a job; undefined: everything fits. */
export function jobSearch(text: string): ((job: Job) => boolean) | undefined {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  return (job) => {
    const written = [titleOf(job), whatOf(job), job.problem?.code, job.createdBy, job.id]
      .join(' ')
      .toLowerCase();
    return words.every((word) => written.includes(word));
  };
}
