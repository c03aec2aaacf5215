import { Code, Table, Text } from '@mantine/core';
import type { DiskReport } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes, formatDuration } from '../format.ts';

const modes = {
  none: 'Not verified',
  delta: 'What was written read again',
  readback: 'Target read again',
  source: 'Compared with the source',
} as const satisfies Record<DiskReport['verifyMode'], string>;

function verdict({ verified, verifyMode, mismatchedChunks, healedChunks }: DiskReport): string {
  if (verifyMode === 'none') return modes.none;
  const how = modes[verifyMode].toLowerCase();
  if (!verified) return `${mismatchedChunks.toLocaleString()} chunks differ, ${how}`;
  return healedChunks > 0
    ? `Verified after ${healedChunks.toLocaleString()} were healed, ${how}`
    : `Verified, ${how}`;
}

const numbers = { fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' } as const;

/** What a job can prove of each disk: sizes, digests and whether they were compared. */
export function EvidenceTable({ reports }: { readonly reports: readonly DiskReport[] }) {
  return (
    <Table.ScrollContainer
      minWidth={640}
      scrollAreaProps={{ offsetScrollbars: 'present', tabIndex: 0, 'aria-label': 'Evidence' }}
    >
      <Table verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Disk</Table.Th>
            <Table.Th ta="right">Copied</Table.Th>
            <Table.Th ta="right">Holes</Table.Th>
            <Table.Th ta="right">Took</Table.Th>
            <Table.Th>Verdict and BLAKE3 digest of the whole disk</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {reports.map((report) => (
            <Table.Tr key={report.key}>
              <Table.Td style={numbers}>
                {report.label}
                <Text size="xs" c="dimmed">
                  {formatBytes(report.capacityBytes)}
                </Text>
              </Table.Td>
              <Table.Td ta="right" style={numbers}>
                {formatBytes(report.copiedBytes)}
              </Table.Td>
              <Table.Td ta="right" style={numbers}>
                {formatBytes(report.holeBytes)}
              </Table.Td>
              <Table.Td ta="right" style={numbers}>
                {formatDuration(report.seconds)}
              </Table.Td>
              <Table.Td>
                <Text size="sm">{verdict(report)}</Text>
                <Code style={{ overflowWrap: 'anywhere' }}>{report.sourceDigest}</Code>
                {report.targetDigest !== undefined && report.targetDigest !== report.sourceDigest && (
                  <Text size="sm" fw={600}>
                    The target has <Code style={{ overflowWrap: 'anywhere' }}>{report.targetDigest}</Code>
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
