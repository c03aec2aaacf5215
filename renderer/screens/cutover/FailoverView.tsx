import { Grid, Stack, Text } from '@mantine/core';
import type { Failover, Job } from '../../../appliance-agent/src/contract/index.ts';
import { JobProgress } from '../../components/job/JobProgress.tsx';
import { isOver } from '../../components/job/jobWords.ts';
import { isCopied } from '../../components/job/liveJob.ts';
import { StepList } from '../../components/job/StepList.tsx';
import { useLiveJob } from '../../components/job/useLiveJob.ts';
import { Panel } from '../../components/Panel.tsx';
import { ProblemAlert } from '../../components/ProblemAlert.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { BootProofPanel } from './BootProofPanel.tsx';
import { ChosenPanel } from './ChosenPanel.tsx';
import { FailoverFacts } from './FailoverFacts.tsx';
import { hasEnded, nextStepOf } from './failoverWords.ts';
import { QuestionAlert } from './QuestionAlert.tsx';
import { ReportPanel } from './ReportPanel.tsx';

const stepTitles: Partial<Record<Job['kind'], string>> = {
  commit: 'Steps of the commit',
  rollback: 'Steps of the rollback',
  'failover-cleanup': 'Steps of the cleanup',
};

/** How far a copy is that goes on now: between two rounds, and after the last, there is none. */
function CopyProgress({ job, live }: { readonly job: Job; readonly live: boolean }) {
  const { disks } = useLiveJob(job);
  return disks.every(isCopied) ? null : <JobProgress job={job} live={live} />;
}

interface Props {
  readonly applianceId: string;
  readonly failover: Failover;
  readonly readOnly: string | undefined;
  /** False while the appliance is offline: nothing is told as happening now. */
  readonly live: boolean;
}

/** A failover that was begun: what it does, what it waits for, what proves it, and the way on or back. */
export function FailoverView({ applianceId, failover, readOnly, live }: Props) {
  const job = useAgentQuery(
    applianceId,
    'getJob',
    { params: { id: failover.jobId ?? '' } },
    { enabled: failover.jobId !== undefined },
  ).data?.data;
  const next = nextStepOf(failover);
  const working = job !== undefined && !isOver(job);
  return (
    <Stack gap="md">
      <FailoverFacts failover={failover} live={live} />
      {next !== undefined && !failover.question && (
        <Text size="sm" fw={600} role="status">
          {next}
        </Text>
      )}
      <QuestionAlert applianceId={applianceId} failover={failover} readOnly={readOnly} />
      {failover.problem && <ProblemAlert problem={failover.problem} about={failover} />}
      <Grid gap="md">
        {job && (
          <Grid.Col span={{ base: 12, md: failover.proof ? 5 : 12 }}>
            <Panel title={stepTitles[job.kind] ?? 'Steps'}>
              {working && <CopyProgress job={job} live={live} />}
              <StepList steps={job.steps} live={live && working} told={failover.problem?.detail} />
            </Panel>
          </Grid.Col>
        )}
        {failover.proof && (
          <Grid.Col span={{ base: 12, md: job ? 7 : 12 }}>
            <BootProofPanel applianceId={applianceId} failoverId={failover.id} proof={failover.proof} />
          </Grid.Col>
        )}
      </Grid>
      <ChosenPanel failover={failover} />
      {(hasEnded(failover) || failover.state === 'active') && failover.state !== 'expired' && (
        <ReportPanel applianceId={applianceId} failover={failover} />
      )}
    </Stack>
  );
}
