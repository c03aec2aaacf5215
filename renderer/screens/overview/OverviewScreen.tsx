import { Button, Grid, Stack } from '@mantine/core';
import { Link } from 'react-router';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { useStandingFailovers } from '../../queries/useStandingFailovers.ts';
import { useApplianceChoice } from '../../stores/appliance.ts';
import { AppliancesPanel } from './AppliancesPanel.tsx';
import { CapacityPanel } from './CapacityPanel.tsx';
import { FleetPanel } from './FleetPanel.tsx';
import { LagPanel } from './LagPanel.tsx';
import { NextStepsPanel } from './NextStepsPanel.tsx';
import { SkippedSteps } from './SkippedSteps.tsx';
import { ThroughputPanel } from './ThroughputPanel.tsx';

/** Enough for a day of a busy appliance. */
const jobsRead = 500;
const noJobs: readonly Job[] = [];

function Fleet({ applianceId }: { readonly applianceId: string }) {
  const workloads = useAgentQuery(applianceId, 'listWorkloads', {});
  const jobs = useAgentQuery(applianceId, 'listJobs', { query: { limit: jobsRead } });
  const targets = useAgentQuery(applianceId, 'listTargets', {}).data?.data.items ?? [];
  const standing = useStandingFailovers(applianceId);
  if (workloads.isError)
    return <ProblemState error={workloads.error} onRetry={() => void workloads.refetch()} />;
  if (workloads.isPending) return <LoadingScreen />;
  const items = workloads.data.data.items;
  const allJobs = jobs.data?.data.items ?? noJobs;
  const { cachedAt } = workloads.data;
  const live = cachedAt === undefined;
  return (
    <Grid gap="md">
      <Grid.Col span={12}>
        {items.length > 0 ? (
          <FleetPanel workloads={items} />
        ) : (
          <EmptyState
            title="No workloads yet"
            action={
              <Button component={Link} to="/inventory">
                Choose VMs in the inventory
              </Button>
            }
          >
            VMs that are added to management appear here, with what to do next.
          </EmptyState>
        )}
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 8 }}>
        <Stack gap="md">
          {items.length > 0 && <NextStepsPanel workloads={items} jobs={allJobs} standing={standing} />}
          {jobs.isError && <ProblemState error={jobs.error} onRetry={() => void jobs.refetch()} />}
          <ThroughputPanel applianceId={applianceId} jobs={allJobs} live={live} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 4 }}>
        <Stack gap="md">
          <LagPanel workloads={items} cachedAt={cachedAt} />
          <AppliancesPanel applianceId={applianceId} />
          {targets.map((target) => (
            <CapacityPanel key={target.id} applianceId={applianceId} target={target} />
          ))}
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

/** The fleet at a glance: how far it is, who is needed where, how fast it goes and what runs out. */
export default function OverviewScreen() {
  const applianceId = useApplianceChoice((state) => state.applianceId);
  return (
    <Page title="Overview">
      <SkippedSteps />
      {applianceId === undefined ? (
        <EmptyState
          title="No appliance yet"
          action={
            <Button component={Link} to="/appliances?new=1">
              Connect an appliance
            </Button>
          }
        >
          Migrations are done by an appliance near the cloud. Connect one, or have the agent installed on a
          bare Debian VM.
        </EmptyState>
      ) : (
        <Fleet applianceId={applianceId} />
      )}
    </Page>
  );
}
