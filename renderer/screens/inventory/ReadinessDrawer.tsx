import { Alert, Drawer, Group, Loader, Paper, Stack, Text, Title } from '@mantine/core';
import { type Concern, Severity } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { SeverityBadge } from '../../components/SeverityBadge.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import type { VmRow } from './vmRow.ts';

interface Props {
  readonly applianceId: string | undefined;
  /** Whose concerns are shown; undefined: the drawer is closed. */
  readonly row: VmRow | undefined;
  readonly onClose: () => void;
}

const titles = { critical: 'Critical', warning: 'Warnings', info: 'Information' } as const;

function Concerns({ concerns }: { readonly concerns: readonly Concern[] }) {
  if (concerns.length === 0) return <Text size="sm">Nothing speaks against it.</Text>;
  return Severity.options.map((severity) => {
    const these = concerns.filter((concern) => concern.severity === severity);
    if (these.length === 0) return null;
    return (
      <Stack key={severity} gap="xs" component="section" aria-label={titles[severity]}>
        <SeverityBadge severity={severity} text={`${titles[severity]} (${these.length})`} />
        {these.map((concern) => (
          <Paper key={`${concern.rule} ${concern.subject}`} withBorder p="sm">
            <Text size="sm" fw={600}>
              {concern.summary}
            </Text>
            <Text size="sm">{concern.remedy}</Text>
            <Group justify="space-between" gap="xs">
              <Text size="xs" c="dimmed">
                {concern.subject}
              </Text>
              <Text size="xs" c="dimmed" ff="monospace">
                {concern.rule}
              </Text>
            </Group>
          </Paper>
        ))}
      </Stack>
    );
  });
}

/** The agent's own check of a managed VM. */
function CheckedByAgent({
  applianceId,
  workloadId,
}: {
  applianceId: string | undefined;
  workloadId: string;
}) {
  const readiness = useAgentQuery(applianceId, 'readiness', { params: { id: workloadId } });
  if (readiness.isPending) return <Loader size="sm" aria-label="Checking" />;
  if (readiness.isError)
    return <ProblemState error={readiness.error} onRetry={() => void readiness.refetch()} />;
  const { ready, concerns, checkedAt } = readiness.data.data;
  return (
    <>
      <Text size="sm">
        <strong>{ready ? 'Ready to replicate.' : 'Not ready to replicate.'}</strong> Checked by the agent{' '}
        <Ago at={checkedAt} />.
      </Text>
      <Concerns concerns={concerns} />
    </>
  );
}

/** What speaks against moving a VM, and what to do about it. */
export function ReadinessDrawer({ applianceId, row, onClose }: Props) {
  return (
    <Drawer
      opened={row !== undefined}
      onClose={onClose}
      position="right"
      size="md"
      title={row && <Title order={2} size="h4">{`Readiness of ${row.vm.name}`}</Title>}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack gap="md">
        {row?.workload && <CheckedByAgent applianceId={applianceId} workloadId={row.workload.id} />}
        {row && !row.workload && (
          <>
            <Alert variant="light" color="gray" title="A first look, not the check">
              These hints come from the inventory alone. Once the VM is managed, the agent checks it against
              the target too: offerings, limits, attach slots and privileges.
            </Alert>
            <Concerns concerns={row.hints} />
          </>
        )}
      </Stack>
    </Drawer>
  );
}
