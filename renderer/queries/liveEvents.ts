import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { ApplianceEvent, ApplianceStatus } from '../../electron/ipc/contract.ts';
import { listen } from '../app/bridge.ts';
import { isCopied } from '../components/job/liveJob.ts';
import { useProgress } from '../stores/progress.ts';
import { agentKey } from './agent.ts';
import { isReachable } from './readOnly.ts';

const ended = new Set(['succeeded', 'failed', 'cancelled']);

/** Puts what the agents tell into the caches, so that every screen shows it without asking again. */
function apply(client: QueryClient, { applianceId, event }: ApplianceEvent): void {
  const refresh = (...routes: Parameters<typeof agentKey>[1][]) => {
    for (const route of routes) void client.invalidateQueries({ queryKey: agentKey(applianceId, route) });
  };
  switch (event.kind) {
    case 'progress':
      useProgress.getState().add(applianceId, event);
      break;
    case 'job':
      client.setQueryData(agentKey(applianceId, 'getJob', { params: { id: event.job.id } }), {
        data: event.job,
      });
      if (ended.has(event.job.state)) {
        useProgress.getState().forget(event.job.id);
        refresh('listAudit', 'listVolumes', 'listOrphans', 'replication');
      } else if (event.job.disks.every(isCopied)) {
        // What comes then is of another copy, such as the next round before a cutover.
        useProgress.getState().settle(event.job.id);
      }
      refresh('listJobs');
      break;
    case 'workload':
      client.setQueryData(agentKey(applianceId, 'getWorkload', { params: { id: event.workload.id } }), {
        data: event.workload,
      });
      refresh('listWorkloads');
      break;
    case 'workload-removed':
      refresh('listWorkloads');
      break;
    case 'failover':
      client.setQueryData(agentKey(applianceId, 'getFailover', { params: { id: event.failover.id } }), {
        data: event.failover,
      });
      refresh('listFailovers', 'failoverReport', 'getWorkload', 'listWorkloads');
      break;
    case 'endpoint':
      refresh('listSources', 'listTargets');
      break;
  }
}

/** Subscribes the window to main's events for as long as it lives. */
export function useLiveEvents(): void {
  const client = useQueryClient();
  useEffect(() => {
    const unsubscribers = [
      listen('agent.event', (event) => apply(client, event)),
      listen('appliance.status', (status) => {
        const before = client.getQueryData<ApplianceStatus[]>(['appliances.status']);
        client.setQueryData<ApplianceStatus[]>(['appliances.status'], (all = []) => [
          ...all.filter((other) => other.id !== status.id),
          status,
        ]);
        // What was cached while it was offline is old now. It tells its health every few seconds: that is no news.
        const wasReachable = isReachable(before?.find(({ id }) => id === status.id));
        if (isReachable(status) && !wasReachable) {
          void client.invalidateQueries({ queryKey: ['agent', status.id] });
        }
      }),
      listen('profiles.changed', () => {
        void client.invalidateQueries({ queryKey: ['profiles.list'] });
        void client.invalidateQueries({ queryKey: ['profiles.defaults'] });
      }),
      listen('settings.changed', (settings) => client.setQueryData(['settings.get'], settings)),
    ];
    return () => {
      for (const unsubscribe of unsubscribers) unsubscribe();
    };
  }, [client]);
}
