import { Group } from '@mantine/core';
import type { Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { Fact } from '../../components/Fact.tsx';
import { formatBytes, formatDuration } from '../../components/format.ts';
import { behindSince, stateLabel } from '../../components/workload/lifecycle.ts';
import { useAgentQuery } from '../../queries/agent.ts';
import { Behind } from './Behind.tsx';
import { lastReplication } from './workloadDisks.ts';

interface Props {
  readonly applianceId: string;
  readonly workload: Workload;
  readonly runs: readonly Job[];
  /** When what is shown was so, if it is not live; ISO 8601. */
  readonly cachedAt: string | undefined;
}

/** How a workload stands: its state, its RPO, what the next run will take, and whence and where it goes. */
export function StandPanel({ applianceId, workload, runs, cachedAt }: Props) {
  const sources = useAgentQuery(applianceId, 'listSources', {}).data?.data.items;
  const targets = useAgentQuery(applianceId, 'listTargets', {}).data?.data.items;
  const behind = behindSince(workload);
  const last = lastReplication(runs);
  return (
    <Group gap="lg" align="flex-start">
      <Fact label="State">{stateLabel(workload.state)}</Fact>
      <Fact label="Behind (RPO)">
        {behind === undefined ? (
          workload.state === 'managed' ? (
            'Not known yet'
          ) : (
            'Ended'
          )
        ) : (
          <Behind behind={behind} cachedAt={cachedAt} />
        )}
      </Fact>
      {workload.replicatedUntil !== undefined && (
        <Fact label="Replica shows">
          <Ago at={workload.replicatedUntil} />
        </Fact>
      )}
      <Fact label="Last replication">
        {last ? `${formatBytes(last.copiedBytes)} in ${formatDuration(last.seconds)}` : 'None yet'}
      </Fact>
      <Fact label="From">{sources?.find(({ id }) => id === workload.sourceId)?.name ?? 'vCenter'}</Fact>
      <Fact label="To">{targets?.find(({ id }) => id === workload.targetId)?.name ?? 'CloudStack'}</Fact>
    </Group>
  );
}
