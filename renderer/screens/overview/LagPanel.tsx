import { Anchor, Group, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { Workload } from '../../../appliance-agent/src/contract/index.ts';
import { formatDuration } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { useNow } from '../../components/useNow.ts';
import { breaksGoal, worstLags } from './fleet.ts';

const listed = 5;
const tickMs = 10_000;
const broken = { color: 'var(--mantine-color-error)', fontWeight: 600 } as const;

interface Props {
  readonly workloads: readonly Workload[];
  /** When what is shown was so, if it is not live; ISO 8601. */
  readonly cachedAt: string | undefined;
}

/** The replicas that are furthest behind their VMs: what would be lost if the source were lost now. */
export function LagPanel({ workloads, cachedAt }: Props) {
  const now = useNow(tickMs, cachedAt === undefined);
  const lags = worstLags(workloads, cachedAt === undefined ? now : Date.parse(cachedAt), listed);
  return (
    <Panel title="Furthest behind (RPO)">
      {lags.length === 0 && (
        <Text size="sm" c="dimmed">
          No replica is kept level yet.
        </Text>
      )}
      <Stack gap={6}>
        {lags.map(({ workload, seconds }) => (
          <Group key={workload.id} justify="space-between" wrap="nowrap" gap="xs">
            <Anchor
              component={Link}
              to={`/workloads/${workload.id}`}
              size="sm"
              truncate
              title={workload.name}
            >
              {workload.name}
            </Anchor>
            <Text
              size="sm"
              style={{ fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' }}
              title={workload.replicatedUntil && new Date(workload.replicatedUntil).toLocaleString()}
            >
              <span style={breaksGoal({ workload, seconds }) ? broken : undefined}>
                {formatDuration(seconds)}
              </span>
              {workload.settings.rpoGoalSeconds !== undefined &&
                ` of ${formatDuration(workload.settings.rpoGoalSeconds)}`}
            </Text>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}
