import { useMemo } from 'react';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { useAgentQuery } from '../../queries/agent.ts';
import { isShown, type JobFilter, mergeJobs, queuePlaces } from './jobList.ts';

/** As many as the overview reads, so that both show one answer. */
const limit = 500;
const none: readonly Job[] = [];

/**
 * The jobs that a filter shows. Those of one state are asked for by themselves too: on a busy appliance, a job that failed
 * last night is not among the newest.
 */
export function useJobs(applianceId: string, filter: JobFilter) {
  const newest = useAgentQuery(applianceId, 'listJobs', { query: { limit } });
  const inState = useAgentQuery(
    applianceId,
    'listJobs',
    { query: { limit, ...(filter !== 'all' && { state: filter }) } },
    { enabled: filter !== 'all' },
  ).data?.data.items;
  const queued = useAgentQuery(applianceId, 'listJobs', { query: { limit, state: 'queued' } }).data?.data
    .items;
  const all = newest.data?.data.items;
  const jobs = useMemo(
    () => mergeJobs([all ?? none, inState ?? none, queued ?? none]).filter((job) => isShown(job, filter)),
    [all, inState, queued, filter],
  );
  const places = useMemo(() => queuePlaces(queued ?? none), [queued]);
  return { newest, jobs, places };
}
