import { Anchor, Grid, Group, Stack, Text } from '@mantine/core';
import { Link, useParams } from 'react-router';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { Elapsed } from '../../components/Elapsed.tsx';
import { DiskProgressTable } from '../../components/job/DiskProgressTable.tsx';
import { EvidenceTable } from '../../components/job/EvidenceTable.tsx';
import { JobActions } from '../../components/job/JobActions.tsx';
import { JobCause } from '../../components/job/JobCause.tsx';
import { JobProgress } from '../../components/job/JobProgress.tsx';
import { JobState } from '../../components/job/JobState.tsx';
import { isOver, titleOf, whatOf } from '../../components/job/jobWords.ts';
import { StepList } from '../../components/job/StepList.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';

const parent = { title: 'Jobs', path: '/jobs' };

function Facts({ job, live }: { readonly job: Job; readonly live: boolean }) {
  return (
    <Group gap="md">
      <Text size="sm" component="span">
        <JobState job={job} />
      </Text>
      <Text size="sm" c="dimmed">
        {job.startedAt === undefined ? 'Created' : 'Started'} <Ago at={job.startedAt ?? job.createdAt} /> by{' '}
        {job.createdBy}
        {job.startedAt !== undefined && (job.endedAt !== undefined || live) && (
          <>
            , {job.endedAt === undefined ? 'runs for' : 'took'}{' '}
            <Elapsed from={job.startedAt} to={job.endedAt} />
          </>
        )}
      </Text>
      {job.workloadId !== undefined && (
        <Anchor component={Link} to={`/workloads/${job.workloadId}`} size="sm">
          Show workload
        </Anchor>
      )}
    </Group>
  );
}

/** One job with all that is known of it. */
export function JobDetail({ applianceId }: { readonly applianceId: string }) {
  const { id = '' } = useParams();
  const answer = useAgentQuery(applianceId, 'getJob', { params: { id } });
  const readOnly = useReadOnly(applianceId);
  const job = answer.data?.data;
  if (!job)
    return (
      <Page title="Job" parent={parent}>
        {answer.isError ? (
          <ProblemState error={answer.error} onRetry={() => void answer.refetch()} />
        ) : (
          <LoadingScreen />
        )}
      </Page>
    );
  const live = answer.data?.cachedAt === undefined;
  return (
    <Page
      title={titleOf(job)}
      parent={parent}
      actions={<JobActions applianceId={applianceId} job={job} readOnly={readOnly} />}
    >
      <Facts job={job} live={live} />
      <JobCause job={job} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Stack gap="md">
            <Panel title={isOver(job) ? 'Result' : 'Progress'}>
              {isOver(job) && job.state !== 'failed' && <Text size="sm">{whatOf(job)}</Text>}
              {job.kind !== 'cleanup' && (
                <>
                  <JobProgress job={job} live={live} />
                  {!(isOver(job) && job.reports.length > 0) && <DiskProgressTable job={job} live={live} />}
                </>
              )}
            </Panel>
            {job.reports.length > 0 && (
              <Panel title="Evidence">
                <EvidenceTable reports={job.reports} />
              </Panel>
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Panel title="Steps">
            <StepList steps={job.steps} live={live && !isOver(job)} told={job.problem?.detail} />
          </Panel>
        </Grid.Col>
      </Grid>
    </Page>
  );
}
