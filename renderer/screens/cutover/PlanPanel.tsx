import { List, Loader, SimpleGrid, Stack, Text } from '@mantine/core';
import type { FailoverPlan } from '../../../appliance-agent/src/contract/index.ts';
import { Fact } from '../../components/Fact.tsx';
import { formatBytes, formatDuration } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { Concerns } from '../../components/workload/Concerns.tsx';
import { consistencyWords, exactly, lossWords, methodWords } from './failoverWords.ts';

function Facts({ plan, budgetSeconds }: Pick<Props, 'budgetSeconds'> & { readonly plan: FailoverPlan }) {
  const { point, loss, method, downtimeSeconds, extraBytes } = plan;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="md">
      {point && (
        <Fact label="Point in time">
          {exactly(point.at)}, {consistencyWords[point.consistency]}
        </Fact>
      )}
      {downtimeSeconds !== undefined && (
        <Fact label="Downtime, as forecast now">
          <strong>{formatDuration(downtimeSeconds)}</strong>
          {budgetSeconds !== undefined && ` of ${formatDuration(budgetSeconds)}`}
        </Fact>
      )}
      {loss && <Fact label="Lost writes of the source">{lossWords(loss)}</Fact>}
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
  /** True while the plan is one of other choices, or not there yet. */
  readonly checking: boolean;
  /** The downtime that is wanted at most. */
  readonly budgetSeconds: number | undefined;
  readonly error: Error | null;
  readonly onRetry: () => void;
}

/** What speaks against it, what it will do, and what it will cost, before anything is done. */
export function PlanPanel({ plan, checking, budgetSeconds, error, onRetry }: Props) {
  return (
    <Panel
      title="Readiness and plan"
      aside={checking && <Loader size="sm" role="img" aria-label="Checking" />}
    >
      {error && <ProblemState error={error} onRetry={onRetry} />}
      {plan && (
        <Stack gap="md">
          <Text size="sm" fw={600} role="status">
            {checking ? 'Checking.' : plan.ready ? 'Ready.' : 'Not ready: see what is critical.'}
          </Text>
          <Facts plan={plan} budgetSeconds={budgetSeconds} />
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
