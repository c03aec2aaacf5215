import { Button, List, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconMinus, IconRefresh, IconX } from '@tabler/icons-react';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useAgentQuery } from '../../queries/agent.ts';

const looks = {
  ok: { color: 'teal', Icon: IconCheck, label: 'Well' },
  warning: { color: 'orange', Icon: IconAlertTriangle, label: 'Warning' },
  failed: { color: 'red', Icon: IconX, label: 'Failed' },
  skipped: { color: 'gray', Icon: IconMinus, label: 'Not checked' },
} as const;

/** What the agent finds when it checks its machine, with what to do about it. */
export function DoctorPanel({ applianceId }: { readonly applianceId: string }) {
  const doctor = useAgentQuery(applianceId, 'doctor', {}, { staleTime: 60_000 });
  return (
    <Panel
      title="Health of the appliance"
      aside={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={14} aria-hidden />}
          loading={doctor.isFetching}
          onClick={() => void doctor.refetch()}
        >
          Check again
        </Button>
      }
    >
      {doctor.isError && <ProblemState error={doctor.error} />}
      <List spacing="xs" listStyleType="none">
        {doctor.data?.data.checks.map(({ id, title, state, detail, remedy }) => {
          const { color, Icon, label } = looks[state];
          return (
            <List.Item
              key={id}
              icon={
                <ThemeIcon size={20} radius="xl" color={color} variant="light" role="img" aria-label={label}>
                  <Icon size={13} />
                </ThemeIcon>
              }
            >
              <Stack gap={0} style={{ overflowWrap: 'anywhere' }}>
                <Text size="sm" fw={500}>
                  {title}
                </Text>
                <Text size="sm">{detail}</Text>
                {remedy && state !== 'ok' && (
                  <Text size="sm" fw={600}>
                    {remedy}
                  </Text>
                )}
              </Stack>
            </List.Item>
          );
        })}
      </List>
    </Panel>
  );
}
