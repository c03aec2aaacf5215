import { Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconArrowRight, IconCircleCheck } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import type { Failover, Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { Panel } from '../../components/Panel.tsx';
import { nextSteps } from './nextSteps.ts';

interface Props {
  readonly workloads: readonly Workload[];
  readonly jobs: readonly Job[];
  /** Failovers that wait for a decision, by workload. */
  readonly standing: ReadonlyMap<string, Failover>;
}

const fewSteps = 5;

/** What waits for a person, each with the button that leads there. */
export function NextStepsPanel({ workloads, jobs, standing }: Props) {
  const steps = useMemo(() => nextSteps(workloads, jobs, standing), [workloads, jobs, standing]);
  const [all, setAll] = useState(false);
  const urgent = steps.filter((step) => step.urgent).length;
  return (
    <Panel
      title="Next steps"
      aside={
        <Text size="sm" c="dimmed">
          {urgent === 0 ? 'Nothing is urgent' : `${urgent} ${urgent === 1 ? 'needs' : 'need'} someone`}
        </Text>
      }
    >
      {steps.length === 0 && (
        <Group gap="xs">
          <IconCircleCheck size={18} color="var(--mantine-color-teal-6)" aria-hidden />
          <Text size="sm">Nothing waits for you.</Text>
        </Group>
      )}
      <Stack gap="sm" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {steps.slice(0, all ? undefined : fewSteps).map((step) => (
          <Group key={step.id} component="li" gap="sm" wrap="nowrap" align="flex-start">
            {step.urgent ? (
              <IconAlertTriangle
                size={18}
                color="var(--mantine-color-orange-6)"
                aria-label="Needs someone"
                style={{ flex: 'none', marginTop: 2 }}
              />
            ) : (
              <IconArrowRight
                size={18}
                color="var(--mantine-color-dimmed)"
                aria-hidden
                style={{ flex: 'none', marginTop: 2 }}
              />
            )}
            <div style={{ flex: 1, minWidth: 0, overflowWrap: 'anywhere' }}>
              <Text size="sm">
                <strong>{step.subject}</strong>{' '}
                <Text span size="xs" c="dimmed">
                  <Ago at={step.since} />
                </Text>
              </Text>
              <Text size="sm" lineClamp={2} title={step.reason}>
                {step.reason}
              </Text>
              {step.remedy && (
                <Text size="sm" c="dimmed" lineClamp={2} title={step.remedy}>
                  {step.remedy}
                </Text>
              )}
            </div>
            <Button
              component={Link}
              to={step.action.path}
              size="compact-sm"
              variant={step.urgent ? 'filled' : 'default'}
              style={{ flex: 'none' }}
              aria-label={`${step.action.label}: ${step.subject}`}
            >
              {step.action.label}
            </Button>
          </Group>
        ))}
      </Stack>
      {steps.length > fewSteps && (
        <Button variant="subtle" size="compact-sm" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${steps.length}`}
        </Button>
      )}
    </Panel>
  );
}
