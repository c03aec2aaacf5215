import { Button, Code, Group, Stack, Table, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { type Failover, FailoverReport } from '../../../appliance-agent/src/contract/index.ts';
import { invoke } from '../../app/bridge.ts';
import { formatBytes } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { callAgent, useAgentQuery } from '../../queries/agent.ts';
import { actOf } from '../activity/auditWords.ts';
import { exactly } from './failoverWords.ts';

interface Props {
  readonly applianceId: string;
  readonly failover: Failover;
}

/** The evidence of a failover, as the agent signs it: to read here, and to file as PDF or JSON. */
export function ReportPanel({ applianceId, failover }: Props) {
  const params = { id: failover.id };
  const answer = useAgentQuery(applianceId, 'failoverReport', { params });
  const signed = answer.data?.data;
  const report = signed && FailoverReport.safeParse(JSON.parse(signed.content)).data;
  const base = `${failover.workloadName.replaceAll(/[^\w.-]+/g, '_')}-${failover.kind}-${failover.createdAt.slice(0, 10)}`;
  const saveJson = () =>
    invoke('file.save', { suggestedName: `${base}.json`, text: `${JSON.stringify(signed, null, 2)}\n` });
  const savePdf = async () => {
    const { data } = await callAgent(applianceId, 'failoverReportPdf', { params });
    await invoke('file.save', { suggestedName: `${base}.pdf`, base64: data.base64 });
  };
  const saving = (work: () => Promise<unknown>) => () => void work().catch(tellProblem);
  return (
    <Panel
      title="Report"
      aside={
        signed && (
          <Group gap="xs">
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconDownload size={14} aria-hidden />}
              onClick={saving(saveJson)}
            >
              Save signed JSON
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconDownload size={14} aria-hidden />}
              onClick={saving(savePdf)}
            >
              Save PDF
            </Button>
          </Group>
        )
      }
    >
      {answer.isError && <ProblemState error={answer.error} onRetry={() => void answer.refetch()} />}
      {report && signed && (
        <Stack gap="sm">
          <Table.ScrollContainer
            minWidth={560}
            scrollAreaProps={{
              offsetScrollbars: 'present',
              tabIndex: 0,
              'aria-label': 'Disks of the report',
            }}
          >
            <Table verticalSpacing={4}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Disk</Table.Th>
                  <Table.Th ta="right">Capacity</Table.Th>
                  <Table.Th>Verified</Table.Th>
                  <Table.Th>Digest of the source</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {report.disks.map((disk) => (
                  <Table.Tr key={disk.key}>
                    <Table.Td>{disk.label}</Table.Td>
                    <Table.Td ta="right">{formatBytes(disk.capacityBytes)}</Table.Td>
                    <Table.Td>{disk.verified ? 'Yes' : 'No'}</Table.Td>
                    <Table.Td>
                      <Code style={{ overflowWrap: 'anywhere' }}>{disk.sourceDigest}</Code>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Stack gap={2}>
            {report.people.map(({ at, actor, action }) => (
              <Text key={`${at} ${action}`} size="xs" c="dimmed">
                {exactly(at)}: {actor}, {actOf({ action })}
              </Text>
            ))}
          </Stack>
          <Text size="xs" c="dimmed">
            Signed by the appliance. Anyone can prove it later with: ossea-agent report verify
          </Text>
        </Stack>
      )}
    </Panel>
  );
}
