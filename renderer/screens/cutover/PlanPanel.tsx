import { List, Loader, SimpleGrid, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { FailoverPlan } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes, formatDuration } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { Concerns } from '../../components/workload/Concerns.tsx';
import { consistencyWords, exactly, methodWords } from './failoverWords.ts';

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
        {children}
      </Text>
    </div>
  );
}

function Facts({ plan }: { readonly plan: FailoverPlan }) {
  const { point, loss, method, downtimeSeconds, extraBytes } = plan;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="md">
      {point && (
        <Fact label="Point in time">
          {exactly(point.at)}, {consistencyWords[point.consistency]}
        </Fact>
      )}
      {downtimeSeconds !== undefined && (
        <Fact label="Downtime, as forecast now">{formatDuration(downtimeSeconds)}</Fact>
      )}
      {loss && (
        <Fact label="Lost writes of the source">
          {loss.seconds === 0
            ? 'None'
            : `${formatDuration(loss.seconds)}${loss.bytes === undefined ? '' : `, about ${formatBytes(loss.bytes)}`}`}
        </Fact>
      )}
      {method && (
        <Fact label="How the VM is made">
          {methodWords[method.kind]}. {method.reason}
        </Fact>
      )}
      {extraBytes !== undefined && <Fact label="Storage needed meanwhile">{formatBytes(extraBytes)}</Fact>}
    </SimpleGrid>
  );
}

interface Props {
  readonly plan: FailoverPlan | undefined;
  readonly error: Error | null;
  readonly onRetry: () => void;
}

/** What speaks against it, what it will do, and what it will cost, before anything is done. */
export function PlanPanel({ plan, error, onRetry }: Props) {
  return (
    <Panel
      title="Readiness and plan"
      aside={!plan && !error && <Loader size="sm" role="img" aria-label="Checking" />}
    >
      {error && <ProblemState error={error} onRetry={onRetry} />}
      {plan && (
        <Stack gap="md">
          <Text size="sm" fw={600} role="status">
            {plan.ready ? 'Ready.' : 'Not ready: see what is critical.'}
          </Text>
          <Facts plan={plan} />
          <Concerns concerns={plan.concerns} />
          <div>
            <Text size="sm" fw={600} mb={4}>
              What will be done
            </Text>
            <List type="ordered" size="sm" spacing={4}>
              {plan.steps.map(({ name, title, detail }) => (
                <List.Item key={name}>
                  {title}
                  {detail !== undefined && (
                    <Text size="xs" c="dimmed">
                      {detail}
                    </Text>
                  )}
                </List.Item>
              ))}
            </List>
          </div>
        </Stack>
      )}
    </Panel>
  );
}
