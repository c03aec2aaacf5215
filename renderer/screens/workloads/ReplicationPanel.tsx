import { Group, Stack, Table, Text } from '@mantine/core';
import type { CycleRecord, ReplicationStatus } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { Fact } from '../../components/Fact.tsx';
import { formatBytes, formatDuration, formatRate } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { modeOf, scheduleWords } from './replicationWords.ts';

const cyclesInSight = 5;
/** Milliseconds: lag and forecast grow while nothing happens. */
const refreshMs = 15_000;

function Forecast({ forecast }: { readonly forecast: NonNullable<ReplicationStatus['forecast']> }) {
  return (
    <Fact label="Downtime of a cutover now">
      <strong>{formatDuration(forecast.downtimeSeconds)}</strong>
      {!forecast.converges && (
        <Text size="xs" fw={600}>
          The source changes faster than it can be copied.
        </Text>
      )}
      <Text size="xs" c="dimmed" title={forecast.basis}>
        {forecast.parts.map(({ name, seconds }) => `${name} ${formatDuration(seconds)}`).join(', ')}
      </Text>
    </Fact>
  );
}

function Facts({ status }: { readonly status: ReplicationStatus }) {
  const { lagSeconds, rpoGoalSeconds, goalMet, nextRunAt, heldBecause, forecast } = status;
  return (
    <Group gap="lg" align="flex-start">
      {lagSeconds !== undefined && (
        <Fact label={rpoGoalSeconds === undefined ? 'Behind' : 'Behind, actual and agreed'}>
          <span style={goalMet === false ? { color: 'var(--mantine-color-error)', fontWeight: 600 } : {}}>
            {formatDuration(lagSeconds)}
          </span>
          {rpoGoalSeconds !== undefined && ` of ${formatDuration(rpoGoalSeconds)}`}
        </Fact>
      )}
      <Fact label="Backlog">{formatBytes(status.backlogBytes)}</Fact>
      <Fact label="Churn">{formatRate(status.churnBytesPerSecond)}</Fact>
      <Fact label="Schedule">
        {scheduleWords(status.schedule)}
        {nextRunAt !== undefined && (
          <Text size="xs" c="dimmed">
            Next <Ago at={nextRunAt} />
          </Text>
        )}
        {heldBecause !== undefined && (
          <Text size="xs" c="dimmed">
            {heldBecause}
          </Text>
        )}
      </Fact>
      {forecast && <Forecast forecast={forecast} />}
    </Group>
  );
}

function Cycles({ cycles }: { readonly cycles: readonly CycleRecord[] }) {
  return (
    <Table.ScrollContainer
      minWidth={560}
      scrollAreaProps={{
        offsetScrollbars: 'present',
        tabIndex: 0,
        'aria-label': 'Last cycles of replication',
      }}
    >
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Point in time</Table.Th>
            <Table.Th ta="right">Took</Table.Th>
            <Table.Th ta="right">Changed</Table.Th>
            <Table.Th ta="right">Read</Table.Th>
            <Table.Th ta="right">Written</Table.Th>
            <Table.Th>How</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {cycles.map(({ jobId, pointAt, startedAt, endedAt, disks }) => {
            const sum = (count: (disk: CycleRecord['disks'][number]) => number) =>
              formatBytes(disks.reduce((total, disk) => total + count(disk), 0));
            return (
              <Table.Tr key={`${jobId} ${pointAt}`}>
                <Table.Td>
                  <Ago at={pointAt} />
                </Table.Td>
                <Table.Td ta="right">
                  {formatDuration((Date.parse(endedAt) - Date.parse(startedAt)) / 1000)}
                </Table.Td>
                <Table.Td ta="right">{sum(({ changedBytes }) => changedBytes)}</Table.Td>
                <Table.Td ta="right">{sum(({ readBytes }) => readBytes)}</Table.Td>
                <Table.Td ta="right">{sum(({ writtenBytes }) => writtenBytes)}</Table.Td>
                <Table.Td>
                  {disks.map((disk) => (
                    <Text key={disk.key} size="xs" title={disk.detail}>
                      {disk.label}: {modeOf(disk)}
                    </Text>
                  ))}
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

interface Props {
  readonly applianceId: string;
  readonly workloadId: string;
  /** The VM runs on the target: nothing is replicated any more, and no cutover lies ahead. */
  readonly ended: boolean;
}

/** How far the replica is behind, how fast the source changes, and what a cutover would cost now. */
export function ReplicationPanel({ applianceId, workloadId, ended }: Props) {
  const answer = useAgentQuery(
    applianceId,
    'replication',
    { params: { id: workloadId } },
    { refetchInterval: refreshMs },
  );
  const status = answer.data?.data;
  if (answer.isError)
    return (
      <Panel title="Replication">
        <ProblemState error={answer.error} onRetry={() => void answer.refetch()} />
      </Panel>
    );
  if (ended && status?.cycles.length === 0) return null;
  if (!status || (status.lagSeconds === undefined && status.schedule.kind === 'manual')) return null;
  return (
    <Panel title="Replication">
      <Stack gap="sm">
        {!ended && <Facts status={status} />}
        {status.cycles.length > 0 && <Cycles cycles={status.cycles.slice(0, cyclesInSight)} />}
      </Stack>
    </Panel>
  );
}
