import { Button, Code, Group, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { type Failover, FailoverReport } from '../../../appliance-agent/src/contract/index.ts';
import { invoke } from '../../app/bridge.ts';
import { Elapsed } from '../../components/Elapsed.tsx';
import { Fact } from '../../components/Fact.tsx';
import { formatBytes, formatDuration } from '../../components/format.ts';
import { stepWords } from '../../components/job/jobWords.ts';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { callAgent, useAgentQuery } from '../../queries/agent.ts';
import { actOf } from '../activity/auditWords.ts';
import { exactly, lossWords } from './failoverWords.ts';
import { SignatureLine } from './SignatureLine.tsx';

function Facts({ report }: { readonly report: FailoverReport }) {
  const { source, target, downtimeSeconds, loss, point, madeAt } = report;
  return (
    <SimpleGrid cols={{ base: 2, md: 3, lg: 4 }} spacing="md">
      {downtimeSeconds !== undefined && <Fact label="Downtime">{formatDuration(downtimeSeconds)}</Fact>}
      {loss && <Fact label="Lost writes">{lossWords(loss)}</Fact>}
      {point && <Fact label="Point in time">{exactly(point.at)}</Fact>}
      <Fact label="From">
        {source.vm}, {source.vcenter}
      </Fact>
      <Fact label="To">
        {target.vm?.name ?? 'No VM'}, {target.cloud}
      </Fact>
      <Fact label="Written at">{exactly(madeAt)}</Fact>
    </SimpleGrid>
  );
}

function Disks({ disks }: { readonly disks: FailoverReport['disks'] }) {
  return (
    <Table.ScrollContainer
      minWidth={560}
      scrollAreaProps={{ offsetScrollbars: 'present', tabIndex: 0, 'aria-label': 'Disks of the report' }}
    >
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Disk</Table.Th>
            <Table.Th ta="right">Capacity</Table.Th>
            <Table.Th>Verified</Table.Th>
            <Table.Th>Digest of the source (BLAKE3)</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {disks.map((disk) => (
            <Table.Tr key={disk.key}>
              <Table.Td>{disk.label}</Table.Td>
              <Table.Td ta="right">{formatBytes(disk.capacityBytes)}</Table.Td>
              <Table.Td>
                {disk.verified ? 'Yes' : 'No'}
                {disk.healedChunks > 0 && `, ${disk.healedChunks.toLocaleString()} chunks healed`}
              </Table.Td>
              <Table.Td>
                <Code style={{ overflowWrap: 'anywhere' }}>{disk.sourceDigest}</Code>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** Every step of every job of the failover, which the list of steps above shows of the last one only. */
function Timings({ steps }: { readonly steps: FailoverReport['steps'] }) {
  return (
    <details>
      <summary style={{ cursor: 'pointer' }}>
        <Text span size="sm" fw={600}>
          Timings of {steps.length} steps
        </Text>
      </summary>
      <Table verticalSpacing={2} mt="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Step</Table.Th>
            <Table.Th>Begun</Table.Th>
            <Table.Th ta="right">Took</Table.Th>
            <Table.Th>Outcome</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {steps.map(({ name, title, state, startedAt, endedAt }) => (
            <Table.Tr key={`${name} ${startedAt ?? ''}`}>
              <Table.Td>{title}</Table.Td>
              <Table.Td>{startedAt !== undefined && exactly(startedAt)}</Table.Td>
              <Table.Td ta="right">
                {startedAt !== undefined && endedAt !== undefined && (
                  <Elapsed from={startedAt} to={endedAt} />
                )}
              </Table.Td>
              <Table.Td>{stepWords[state]}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </details>
  );
}

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
          <Facts report={report} />
          <Disks disks={report.disks} />
          {report.steps.length > 0 && <Timings steps={report.steps} />}
          <Stack gap={2}>
            {report.people.map(({ at, actor, action }) => (
              <Text key={`${at} ${action}`} size="xs" c="dimmed">
                {exactly(at)}: {actor}, {actOf({ action })}
              </Text>
            ))}
          </Stack>
          <SignatureLine applianceId={applianceId} signed={signed} />
        </Stack>
      )}
    </Panel>
  );
}
