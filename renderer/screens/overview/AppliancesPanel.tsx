import { Anchor, Group, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import { Ago } from '../../components/Ago.tsx';
import { HealthDot } from '../../components/HealthDot.tsx';
import { Panel } from '../../components/Panel.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { useConsoleQuery } from '../../queries/console.ts';

/** Health of every appliance, and what keeps the chosen one from its work. */
export function AppliancesPanel({ applianceId }: { readonly applianceId: string }) {
  const profiles = useConsoleQuery('profiles.list').data ?? [];
  const statuses = useConsoleQuery('appliances.status').data ?? [];
  const health = useAgentQuery(applianceId, 'health', {}).data;
  const appliances = profiles.filter(({ kind }) => kind === 'appliance');
  return (
    <Panel title="Appliances">
      <Stack gap="xs">
        {appliances.map(({ id, name }) => {
          const status = statuses.find((one) => one.id === id);
          return (
            <Group key={id} justify="space-between" gap="xs">
              <Anchor component={Link} to={`/appliances/${id}`} size="sm">
                {name}
              </Anchor>
              {status && <HealthDot status={status} />}
            </Group>
          );
        })}
      </Stack>
      {health && (
        <Text size="sm" c="dimmed">
          Agent {health.data.version}, started <Ago at={health.data.startedAt} />.
          {health.data.database === 'unavailable' && ' Its database cannot be reached.'}
        </Text>
      )}
      {health?.data.missing.map((missing) => (
        <Text key={missing} size="sm">
          Missing: {missing}
        </Text>
      ))}
    </Panel>
  );
}
