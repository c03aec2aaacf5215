import { useMemo } from 'react';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { useAgentQuery } from '../../queries/agent.ts';

/** More than an appliance runs, waits with and queues at a time. */
const limit = 1000;

/** The jobs of an appliance that are not over. */
export function useActiveJobs(applianceId: string): readonly Job[] {
  const running = useAgentQuery(applianceId, 'listJobs', { query: { state: 'running', limit } }).data?.data
    .items;
  const waiting = useAgentQuery(applianceId, 'listJobs', { query: { state: 'waiting', limit } }).data?.data
    .items;
  const queued = useAgentQuery(applianceId, 'listJobs', { query: { state: 'queued', limit } }).data?.data
    .items;
  return useMemo(
    () => [...(running ?? []), ...(waiting ?? []), ...(queued ?? [])],
    [running, waiting, queued],
  );
}
