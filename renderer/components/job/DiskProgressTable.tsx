import { Progress, Table, Text } from '@mantine/core';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes, formatDuration, formatRate } from '../format.ts';
import { isOver, phaseWords } from './jobWords.ts';
import { shareOf } from './liveJob.ts';
import { useLiveJob } from './useLiveJob.ts';

interface Props {
  readonly job: Job;
  /** False while the appliance is offline: nothing is told as happening now. */
  readonly live: boolean;
}

const numbers = { fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' } as const;

/** Every disk of a job: how far, how fast, and what of it were holes. */
export function DiskProgressTable({ job, live }: Props) {
  const now = useLiveJob(job);
  if (now.disks.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {isOver(now) ? 'No disk was reached.' : 'No disk has been started yet.'}
      </Text>
    );
  const moving = live && now.state === 'running';
  return (
    <Table.ScrollContainer
      minWidth={640}
      scrollAreaProps={{ offsetScrollbars: 'present', tabIndex: 0, 'aria-label': 'Disks' }}
    >
      <Table verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Disk</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th w={150}>Progress</Table.Th>
            <Table.Th ta="right">Written</Table.Th>
            <Table.Th ta="right">Holes</Table.Th>
            {moving && <Table.Th ta="right">Rate</Table.Th>}
            {moving && <Table.Th ta="right">Left</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {now.disks.map((disk) => {
            const percent = Math.floor(shareOf(disk, disk.phase === 'done') * 100);
            return (
              <Table.Tr key={disk.key}>
                <Table.Td>
                  {disk.label}
                  <Text size="xs" c="dimmed" title={disk.transport?.reason}>
                    {formatBytes(disk.capacityBytes)}
                    {disk.transport && ` by ${disk.transport.kind}`}
                  </Text>
                </Table.Td>
                <Table.Td>{phaseWords[disk.phase]}</Table.Td>
                <Table.Td>
                  <Progress
                    value={percent}
                    size="sm"
                    aria-label={`${disk.label}: ${percent} % done`}
                    title={`${formatBytes(disk.doneBytes)} of ${formatBytes(disk.plannedBytes)} are safe on the target`}
                  />
                  <Text size="xs" c="dimmed" style={numbers}>
                    {percent} % of {formatBytes(disk.plannedBytes)}
                  </Text>
                </Table.Td>
                <Table.Td ta="right" style={numbers}>
                  {formatBytes(disk.writtenBytes)}
                  {disk.rereadBytes > 0 && (
                    <Text size="xs" c="dimmed" title="Read again after a restart of the appliance">
                      {formatBytes(disk.rereadBytes)} read twice
                    </Text>
                  )}
                </Table.Td>
                <Table.Td ta="right" style={numbers}>
                  {formatBytes(disk.skippedBytes)}
                </Table.Td>
                {moving && (
                  <>
                    <Table.Td ta="right" style={numbers}>
                      {disk.phase !== 'done' && formatRate(disk.bytesPerSecond)}
                    </Table.Td>
                    <Table.Td ta="right" style={numbers}>
                      {disk.phase !== 'done' &&
                        disk.etaSeconds !== undefined &&
                        formatDuration(disk.etaSeconds)}
                    </Table.Td>
                  </>
                )}
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
