import { Anchor, Table, Text } from '@mantine/core';
import { Link } from 'react-router';
import { Ago } from '../../components/Ago.tsx';
import { Elapsed } from '../../components/Elapsed.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { failoverStateLabel } from './failoverWords.ts';

interface Props {
  readonly applianceId: string;
  readonly workloadId: string;
}

/** The tests and cutovers of a workload, newest first; each leads to its evidence. */
export function FailoversPanel({ applianceId, workloadId }: Props) {
  const answer = useAgentQuery(applianceId, 'listFailovers', { query: { workloadId } });
  const items = answer.data?.data.items;
  return (
    <Panel title="Failovers">
      {answer.isError && <ProblemState error={answer.error} onRetry={() => void answer.refetch()} />}
      {answer.isPending && <LoadingScreen />}
      {items?.length === 0 && (
        <Text size="sm" c="dimmed">
          None yet. A test failover shows on clones whether the VM comes up, while replication goes on.
        </Text>
      )}
      {items !== undefined && items.length > 0 && (
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>What</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Boot proof</Table.Th>
              <Table.Th>Downtime</Table.Th>
              <Table.Th>Begun</Table.Th>
              <Table.Th>By</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((failover) => (
              <Table.Tr key={failover.id}>
                <Table.Td>
                  <Anchor component={Link} to={`/workloads/${workloadId}/cutover/${failover.id}`} size="sm">
                    {failover.kind === 'test' ? 'Test failover' : 'Cutover'}
                  </Anchor>
                </Table.Td>
                <Table.Td>{failoverStateLabel(failover)}</Table.Td>
                <Table.Td>
                  {failover.proof === undefined ? '' : failover.proof.passed ? 'Passed' : 'Not passed'}
                </Table.Td>
                <Table.Td>
                  {failover.downtime && (
                    <Elapsed from={failover.downtime.startedAt} to={failover.downtime.endedAt} />
                  )}
                </Table.Td>
                <Table.Td>
                  <Ago at={failover.createdAt} />
                </Table.Td>
                <Table.Td>{failover.createdBy}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  );
}
