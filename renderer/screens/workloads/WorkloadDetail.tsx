import { Anchor, Grid, Stack, Tabs } from '@mantine/core';
import { Link, useParams, useSearchParams } from 'react-router';
import type { Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { JobCause } from '../../components/job/JobCause.tsx';
import { JobProgress } from '../../components/job/JobProgress.tsx';
import { failoverPathOf, isOver, titleOf } from '../../components/job/jobWords.ts';
import { StepList } from '../../components/job/StepList.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { Panel } from '../../components/Panel.tsx';
import { ProblemAlert } from '../../components/ProblemAlert.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { ReadinessReport } from '../../components/workload/ReadinessReport.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';
import { FailoversPanel } from '../cutover/FailoversPanel.tsx';
import { StandingFailovers } from '../cutover/StandingFailovers.tsx';
import { BandwidthControl } from './BandwidthControl.tsx';
import { DisksPanel } from './DisksPanel.tsx';
import { LiveThroughput } from './LiveThroughput.tsx';
import { ReplicationPanel } from './ReplicationPanel.tsx';
import { RunsPanel } from './RunsPanel.tsx';
import { SettingsPanel } from './SettingsPanel.tsx';
import { StandPanel } from './StandPanel.tsx';
import { WorkloadActions } from './WorkloadActions.tsx';

const parent = { title: 'Workloads', path: '/workloads' };
const tabs = [
  { value: 'replica', label: 'Replica' },
  { value: 'runs', label: 'Runs' },
  { value: 'failovers', label: 'Failovers' },
  { value: 'readiness', label: 'Readiness' },
  { value: 'settings', label: 'Settings' },
] as const;
const runsRead = 200;
const runsInSight = 3;
const noRuns: readonly Job[] = [];

interface PartProps {
  readonly applianceId: string;
  readonly workload: Workload;
  readonly current: Job | undefined;
  readonly runs: readonly Job[];
  readonly readOnly: string | undefined;
  readonly live: boolean;
}

/** States in which the source is replicated no more. */
const moved: ReadonlySet<Workload['state']> = new Set(['failed-over', 'migrated']);

function Replica({ applianceId, workload, current, runs, readOnly, live }: PartProps) {
  const gone = moved.has(workload.state);
  // What a failover asks is told above, with its answer.
  const asks = current !== undefined && failoverPathOf(current) !== undefined;
  return (
    <Stack gap="md">
      {current && !(asks && current.waitReason === 'person') && <JobCause job={current} />}
      {!current && workload.attention && <ProblemAlert problem={workload.attention} about={workload} />}
      {(current || !gone) && (
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: current ? 8 : 12 }}>
            <Stack gap="md">
              {current && (
                <Panel
                  title={titleOf(current)}
                  aside={
                    <Anchor component={Link} to={`/jobs/${current.id}`} size="sm">
                      Show job
                    </Anchor>
                  }
                >
                  <JobProgress job={current} live={live} />
                  {live && current.state === 'running' && <LiveThroughput jobId={current.id} />}
                </Panel>
              )}
              {!gone && (
                <Panel title="Limits">
                  <BandwidthControl applianceId={applianceId} workload={workload} readOnly={readOnly} />
                </Panel>
              )}
            </Stack>
          </Grid.Col>
          {current && (
            <Grid.Col span={{ base: 12, md: 4 }}>
              <Panel title="Steps">
                <StepList steps={current.steps} live={live} />
              </Panel>
            </Grid.Col>
          )}
        </Grid>
      )}
      <ReplicationPanel applianceId={applianceId} workloadId={workload.id} ended={gone} />
      <DisksPanel workload={workload} current={current} runs={runs} live={live} />
      <RunsPanel runs={runs} live={live} limit={runsInSight} />
    </Stack>
  );
}

/** One workload: how it stands, what moves, what was done, and how it is to be done. */
export function WorkloadDetail({ applianceId }: { readonly applianceId: string }) {
  const { id = '' } = useParams();
  const [address, setAddress] = useSearchParams();
  const tab = tabs.find(({ value }) => value === address.get('tab'))?.value ?? 'replica';
  const answer = useAgentQuery(applianceId, 'getWorkload', { params: { id } });
  const runs =
    useAgentQuery(applianceId, 'listJobs', { query: { workloadId: id, limit: runsRead } }).data?.data.items ??
    noRuns;
  const workload = answer.data?.data;
  const jobId = workload?.currentJobId;
  const job = useAgentQuery(
    applianceId,
    'getJob',
    { params: { id: jobId ?? '' } },
    { enabled: jobId !== undefined },
  ).data?.data;
  const readOnly = useReadOnly(applianceId);
  if (!workload)
    return (
      <Page title="Workload" parent={parent}>
        {answer.isError ? (
          <ProblemState error={answer.error} onRetry={() => void answer.refetch()} />
        ) : (
          <LoadingScreen />
        )}
      </Page>
    );
  const cachedAt = answer.data?.cachedAt;
  const current = jobId !== undefined && job && !isOver(job) ? job : undefined;
  const part = { applianceId, workload, current, runs, readOnly, live: cachedAt === undefined };
  return (
    <Page
      title={workload.name}
      parent={parent}
      actions={
        <WorkloadActions
          applianceId={applianceId}
          workload={workload}
          current={current}
          readOnly={readOnly}
        />
      }
    >
      <StandPanel applianceId={applianceId} workload={workload} runs={runs} cachedAt={cachedAt} />
      <StandingFailovers applianceId={applianceId} workloadId={workload.id} />
      <Tabs
        value={tab}
        onChange={(next) => setAddress(next === null || next === 'replica' ? {} : { tab: next })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {tabs.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="replica">
          <Replica {...part} />
        </Tabs.Panel>
        <Tabs.Panel value="runs">
          <RunsPanel runs={runs} live={part.live} />
        </Tabs.Panel>
        <Tabs.Panel value="failovers">
          <FailoversPanel applianceId={applianceId} workloadId={workload.id} />
        </Tabs.Panel>
        <Tabs.Panel value="readiness">
          <Panel title="Readiness">
            <ReadinessReport applianceId={applianceId} workloadId={workload.id} />
          </Panel>
        </Tabs.Panel>
        <Tabs.Panel value="settings">
          <SettingsPanel
            key={workload.id}
            applianceId={applianceId}
            workload={workload}
            readOnly={readOnly}
          />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
