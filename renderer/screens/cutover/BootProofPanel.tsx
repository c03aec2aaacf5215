import { Image, Stack, Table, Text } from '@mantine/core';
import type { BootProof } from '../../../appliance-agent/src/contract/index.ts';
import { formatDuration } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { checkName } from './ChosenPanel.tsx';
import { exactly } from './failoverWords.ts';

const outcomes = { passed: 'Passed', failed: 'Failed', skipped: 'Not possible' } as const;

interface Props {
  readonly applianceId: string;
  readonly failoverId: string;
  readonly proof: BootProof;
}

/** What shows that the VM came up, with the picture of its console. */
export function BootProofPanel({ applianceId, failoverId, proof }: Props) {
  const picture = useAgentQuery(
    applianceId,
    'failoverScreenshot',
    { params: { id: failoverId } },
    { enabled: proof.screenshot, staleTime: Number.POSITIVE_INFINITY },
  ).data?.data;
  return (
    <Panel title="Boot proof">
      <Stack gap="sm">
        <Text size="sm">
          <strong>{proof.passed ? 'Passed.' : 'Not passed.'}</strong> CloudStack says {proof.powerState},{' '}
          {exactly(proof.at)}.{proof.via !== undefined && ` ${proof.via}`}
        </Text>
        {proof.checks.length > 0 && (
          <Table verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Check</Table.Th>
                <Table.Th>Outcome</Table.Th>
                <Table.Th ta="right">After</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {proof.checks.map(({ check, outcome, detail, seconds }) => (
                <Table.Tr key={checkName(check)}>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>
                    {checkName(check)}
                    <Text size="xs" c="dimmed">
                      {detail}
                    </Text>
                  </Table.Td>
                  <Table.Td>{outcomes[outcome]}</Table.Td>
                  <Table.Td ta="right">{formatDuration(seconds)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
        {picture ? (
          <Image
            src={`data:${picture.mediaType};base64,${picture.base64}`}
            alt="The VM’s console when the boot proof was taken"
            radius="sm"
            maw={640}
          />
        ) : (
          <Text size="sm" c="dimmed">
            {proof.screenshotReason ?? 'No picture of the console was taken.'}
          </Text>
        )}
      </Stack>
    </Panel>
  );
}
