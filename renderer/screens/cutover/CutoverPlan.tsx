import { Button, Grid, Group, Stack, Tabs, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { Workload } from '../../../appliance-agent/src/contract/index.ts';
import { ConfirmByName } from '../../components/ConfirmByName.tsx';
import { Panel } from '../../components/Panel.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { AdaptersPanel } from './AdaptersPanel.tsx';
import { CommonChoices } from './CommonChoices.tsx';
import { type Choices, initialChoices, readChoices } from './choices.ts';
import { LiveChoices } from './LiveChoices.tsx';
import { PlanPanel } from './PlanPanel.tsx';
import { TestChoices } from './TestChoices.tsx';

interface Props {
  readonly applianceId: string;
  readonly workload: Workload;
  readonly kind: Choices['kind'];
  readonly onKind: (kind: Choices['kind']) => void;
  readonly readOnly: string | undefined;
}

const discoveryStaleTime = 60_000;
/** Milliseconds without a change before the plan is asked for again. */
const settle = 500;
/** Milliseconds: what the forecast rests on goes on changing while the choices are made. */
const renewal = 30_000;
const changed = ['listFailovers', 'getWorkload', 'listWorkloads', 'listJobs'] as const;

/** The way to a test or a cutover: choices on the left, what follows from them on the right. */
export function CutoverPlan({ applianceId, workload, kind, onKind, readOnly }: Props) {
  const [choices, setChoices] = useState(() => initialChoices(kind, workload));
  const current = { ...choices, kind };
  const read = readChoices(current, workload.settings);
  const [settled] = useDebouncedValue(JSON.stringify(read.request), settle);
  const params = useMemo(() => ({ id: workload.id }), [workload.id]);
  const asked = settled === undefined ? undefined : JSON.parse(settled);
  const plan = useAgentQuery(
    applianceId,
    'planFailover',
    { params, body: asked },
    {
      enabled: asked !== undefined && readOnly === undefined,
      staleTime: 10_000,
      refetchInterval: renewal,
      // While another choice is weighed the plan before it stays in sight: nothing jumps.
      placeholderData: keepPreviousData,
    },
  );
  const networks =
    useAgentQuery(
      applianceId,
      'discoverTarget',
      { params: { id: workload.targetId } },
      { staleTime: discoveryStaleTime },
    ).data?.data.networks ?? [];
  const test = useAgentMutation(applianceId, 'startTestFailover', changed);
  const live = useAgentMutation(applianceId, 'startLiveFailover', changed);
  const [confirming, setConfirming] = useState(false);
  const shown = plan.data?.data;
  const weighed = plan.isPlaceholderData ? undefined : shown;
  const checking = plan.isFetching && weighed === undefined;
  const props = {
    choices: current,
    problems: read.problems,
    onChange: (change: Partial<Choices>) => setChoices((old) => ({ ...old, ...change })),
  };
  const start = () => {
    const { request } = read;
    setConfirming(false);
    if (request?.kind === 'test') test.mutate({ params, body: request }, { onError: tellProblem });
    if (request?.kind === 'live') live.mutate({ params, body: request }, { onError: tellProblem });
  };
  const noStart =
    readOnly ??
    (workload.replicatedUntil === undefined
      ? 'There is no replica yet: replicate first'
      : read.request === undefined
        ? 'Some choices are not complete'
        : checking
          ? 'Readiness is being checked'
          : weighed?.ready === false
            ? 'Not ready: see what is critical'
            : undefined);
  const later = kind === 'live' && choices.when !== 'now';
  return (
    <Tabs value={kind} onChange={(next) => onKind(next === 'live' ? 'live' : 'test')}>
      <Tabs.List mb="md">
        <Tabs.Tab value="test">Test failover</Tabs.Tab>
        <Tabs.Tab value="live">Cutover</Tabs.Tab>
      </Tabs.List>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Panel title="Choices">
            <form
              onSubmit={(event) => {
                event.preventDefault();
                if (noStart !== undefined) return;
                if (kind === 'live') setConfirming(true);
                else start();
              }}
            >
              <Stack gap="md">
                {kind === 'test' ? (
                  <TestChoices {...props} networks={networks} />
                ) : (
                  <LiveChoices {...props} />
                )}
                <CommonChoices {...props} />
                <Group justify="flex-end" gap="sm">
                  <Text size="sm" c="dimmed">
                    {noStart}
                  </Text>
                  <Button
                    type="submit"
                    disabled={noStart !== undefined}
                    title={noStart}
                    loading={test.isPending || live.isPending}
                  >
                    {kind === 'test' ? 'Start the test' : later ? 'Schedule the cutover' : 'Cut over'}
                  </Button>
                </Group>
              </Stack>
            </form>
          </Panel>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Stack gap="md">
            <PlanPanel
              plan={plan.isError ? undefined : shown}
              checking={checking}
              budgetSeconds={
                read.request?.kind === 'live' && read.request.mode === 'planned'
                  ? read.request.downtimeBudgetSeconds
                  : undefined
              }
              error={plan.isError ? plan.error : null}
              onRetry={() => void plan.refetch()}
            />
            <AdaptersPanel
              applianceId={applianceId}
              workload={workload}
              choices={current}
              networks={networks}
            />
          </Stack>
        </Grid.Col>
      </Grid>
      <ConfirmByName
        opened={confirming}
        onClose={() => setConfirming(false)}
        title={later ? 'Schedule the cutover' : 'Cut over'}
        name={workload.name}
        confirmLabel={later ? 'Schedule it' : 'Cut over'}
        onConfirm={start}
      >
        {current.mode === 'planned'
          ? `${workload.name} is shut down on vSphere and started on the target. Until you commit, it can be rolled back.`
          : `${workload.name} is started on the target from the last point of its replica. What its source wrote since is lost there.`}
      </ConfirmByName>
    </Tabs>
  );
}
