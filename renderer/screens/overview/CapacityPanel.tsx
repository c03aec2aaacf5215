import { Group, Progress, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { TargetEndpoint } from '../../../appliance-agent/src/contract/index.ts';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { capacitiesOf, fullness } from './fleet.ts';

const staleTime = 60_000;
const looks = {
  fine: { color: 'ossea', words: undefined },
  noteworthy: { color: 'yellow', words: 'More than three quarters are used' },
  'nearly-full': { color: 'red', words: 'Nearly used up' },
} as const;

interface Props {
  readonly applianceId: string;
  readonly target: TargetEndpoint;
}

/** What runs out in a cloud: attach slots, volumes, primary storage. */
export function CapacityPanel({ applianceId, target }: Props) {
  const discovery = useAgentQuery(
    applianceId,
    'discoverTarget',
    { params: { id: target.id } },
    { staleTime },
  );
  const capacities = discovery.data ? capacitiesOf(discovery.data.data) : [];
  return (
    <Panel title={`Capacity of ${target.name}`}>
      {discovery.isError && <ProblemState error={discovery.error} onRetry={() => void discovery.refetch()} />}
      {discovery.isSuccess && capacities.length === 0 && (
        <Text size="sm" c="dimmed">
          The account has no limits that matter here.
        </Text>
      )}
      <Stack gap="xs">
        {capacities.map((capacity) => {
          const { color, words } = looks[fullness(capacity)];
          const numbers =
            `${capacity.used.toLocaleString()} of ${capacity.max.toLocaleString()} ${capacity.unit}`.trim();
          return (
            <div key={capacity.id}>
              <Group justify="space-between" gap="xs">
                <Group gap={6}>
                  <Text size="sm">{capacity.label}</Text>
                  {words && (
                    <IconAlertTriangle
                      size={14}
                      color="var(--mantine-color-orange-6)"
                      aria-label={words}
                      title={words}
                    />
                  )}
                </Group>
                <Text size="sm" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
                  {numbers}
                </Text>
              </Group>
              <Progress
                size="sm"
                color={color}
                value={capacity.max === 0 ? 100 : (capacity.used / capacity.max) * 100}
                aria-label={`${capacity.label}: ${numbers}`}
              />
            </div>
          );
        })}
      </Stack>
    </Panel>
  );
}
