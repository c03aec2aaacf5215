import { Group, SimpleGrid, Text, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { Link } from 'react-router';
import type { Workload } from '../../../appliance-agent/src/contract/index.ts';
import { Panel } from '../../components/Panel.tsx';
import { countByState, lifecycle } from '../../components/workload/lifecycle.ts';

/** How many workloads are how far, from the left to the right. */
export function FleetPanel({ workloads }: { readonly workloads: readonly Workload[] }) {
  const counts = countByState(workloads);
  return (
    <Panel
      title="Workloads"
      aside={
        <Text size="sm" c="dimmed">
          {workloads.length.toLocaleString()} in all
        </Text>
      }
    >
      <SimpleGrid cols={lifecycle.length} spacing="xs">
        {lifecycle.map(({ state, label }, index) => (
          <UnstyledButton key={state} component={Link} to={`/workloads?state=${state}`}>
            <Group gap={4} wrap="nowrap" justify="space-between">
              <div>
                <Text fz={28} lh={1.2} fw={600} style={{ fontVariantNumeric: 'tabular-nums' }}>
                  {(counts.get(state) ?? 0).toLocaleString()}
                </Text>
                <Text size="sm" c="dimmed">
                  {label}
                </Text>
              </div>
              {index < lifecycle.length - 1 && (
                <IconChevronRight size={18} color="var(--mantine-color-dimmed)" aria-hidden />
              )}
            </Group>
          </UnstyledButton>
        ))}
      </SimpleGrid>
    </Panel>
  );
}
