import { useMemo } from 'react';
import type { Failover } from '../../appliance-agent/src/contract/index.ts';
import { useAgentQuery } from './agent.ts';

const most = 1000;

/** By workload: the failover that will begin by itself, or that stands and waits for somebody; a cutover before a test. */
export function useStandingFailovers(applianceId: string | undefined): ReadonlyMap<string, Failover> {
  const scheduled = useAgentQuery(applianceId, 'listFailovers', {
    query: { state: 'scheduled', limit: most },
  }).data?.data.items;
  const active = useAgentQuery(applianceId, 'listFailovers', { query: { state: 'active', limit: most } }).data
    ?.data.items;
  return useMemo(() => {
    const all = [...(active ?? []), ...(scheduled ?? [])];
    const sorted = all.toSorted((one, other) => Number(one.kind === 'live') - Number(other.kind === 'live'));
    return new Map(sorted.map((failover) => [failover.workloadId, failover]));
  }, [scheduled, active]);
}
