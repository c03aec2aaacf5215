import { Progress, Table, Text } from '@mantine/core';
import type { Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { formatBytes, formatDuration, formatRate } from '../../components/format.ts';
import { phaseWords } from '../../components/job/jobWords.ts';
import { liveJob, shareOf } from '../../components/job/liveJob.ts';
import { Panel } from '../../components/Panel.tsx';
import { useProgress } from '../../stores/progress.ts';
import { DigestText } from './DigestText.tsx';
import { type DiskRow, diskRows } from './workloadDisks.ts';

interface Props {
  readonly workload: Workload;
  readonly current: Job | undefined;
  /** Newest first. */
  readonly runs: readonly Job[];
  /** False while the appliance is offline: nothing is told as happening now. */
  readonly live: boolean;
}

const numbers = { fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' } as const;

function Moving({ row: { disk, progress }, live }: { readonly row: DiskRow; readonly live: boolean }) {
  if (!progress) return null;
  const percent = Math.floor(shareOf(progress, progress.phase === 'done') * 100);
  const moves = live && ['copying', 'verifying', 'healing'].includes(progress.phase);
  return (
    <>
      <Progress value={percent} size="sm" aria-label={`${disk.label}: ${percent} % done`} />
      <Text size="xs" c="dimmed" style={numbers}>
        {phaseWords[progress.phase]}, {percent} % of {formatBytes(progress.plannedBytes)}
      </Text>
      {moves && (
        <Text size="xs" c="dimmed" style={numbers}>
          {formatRate(progress.bytesPerSecond)}
          {progress.etaSeconds !== undefined && `, ${formatDuration(progress.etaSeconds)} left`}
        </Text>
      )}
    </>
  );
}

function Evidence({ row: { disk, report, reportedAt } }: { readonly row: DiskRow }) {
  if (!report)
    return (
      <Text size="xs" c="dimmed">
        None yet
      </Text>
    );
  return (
    <>
      <DigestText digest={report.sourceDigest} of={disk.label} />
      <Text size="xs" c="dimmed">
        {report.verified ? 'Verified' : 'Not verified'}
        {reportedAt !== undefined && (
          <>
            {' '}
            <Ago at={reportedAt} />
          </>
        )}
      </Text>
    </>
  );
}

/** The disks with their volumes, what moves of them now, and the evidence of the last run. */
export function DisksPanel({ workload, current, runs, live }: Props) {
  const sample = useProgress((state) => (current ? state.samples.get(current.id) : undefined));
  const rows = diskRows(workload, current && liveJob(current, sample), runs);
  const moving = rows.some(({ progress }) => progress !== undefined);
  return (
    <Panel title="Disks">
      <Table.ScrollContainer
        minWidth={640}
        scrollAreaProps={{ offsetScrollbars: 'present', tabIndex: 0, 'aria-label': 'Disks' }}
      >
        <Table verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Disk</Table.Th>
              <Table.Th>Volume</Table.Th>
              <Table.Th ta="right">Copied</Table.Th>
              <Table.Th ta="right">Holes</Table.Th>
              {moving && <Table.Th w={190}>Now</Table.Th>}
              <Table.Th>Digest (BLAKE3)</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => {
              const { disk, progress, report } = row;
              const copied = progress?.writtenBytes ?? report?.copiedBytes;
              const holes = progress?.skippedBytes ?? report?.holeBytes;
              const transport = progress?.transport ?? disk.transport ?? report?.transport;
              return (
                <Table.Tr key={disk.id}>
                  <Table.Td style={numbers}>
                    {disk.label}
                    <Text size="xs" c="dimmed" title={transport?.reason}>
                      {formatBytes(disk.capacityBytes)}
                      {transport && ` by ${transport.kind}`}
                    </Text>
                  </Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }} title={disk.volumeId}>
                    {disk.volumeName ?? disk.volumeId ?? (
                      <Text size="xs" c="dimmed">
                        None yet
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td ta="right" style={numbers}>
                    {copied !== undefined && formatBytes(copied)}
                  </Table.Td>
                  <Table.Td ta="right" style={numbers}>
                    {holes !== undefined && formatBytes(holes)}
                  </Table.Td>
                  {moving && (
                    <Table.Td>
                      <Moving row={row} live={live} />
                    </Table.Td>
                  )}
                  <Table.Td>
                    <Evidence row={row} />
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  );
}
