import { Alert, Button, Grid, Group, Stack, Text } from '@mantine/core';
import { IconHelpCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Failover } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { Elapsed } from '../../components/Elapsed.tsx';
import { formatBytes, formatDuration } from '../../components/format.ts';
import { JobProgress } from '../../components/job/JobProgress.tsx';
import { isOver } from '../../components/job/jobWords.ts';
import { StepList } from '../../components/job/StepList.tsx';
import { Panel } from '../../components/Panel.tsx';
import { ProblemAlert } from '../../components/ProblemAlert.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { BootProofPanel } from './BootProofPanel.tsx';
import { FailoverActions } from './FailoverActions.tsx';
import {
  consistencyWords,
  exactly,
  failoverStateLabel,
  hasEnded,
  methodWords,
  nextStepOf,
} from './failoverWords.ts';
import { ReportPanel } from './ReportPanel.tsx';

const answerWords = {
  force: 'Power it off',
  wait: 'Wait longer',
  abort: 'Give up; the source goes on',
} as const;

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

function Facts({ failover, live }: { readonly failover: Failover; readonly live: boolean }) {
  const { state, point, downtime, loss, commitBy, leaseEndsAt, vm, request } = failover;
  const window = request.kind === 'live' && state === 'scheduled' ? request : undefined;
  return (
    <Group gap="lg" align="flex-start">
      <Fact label="State">{failoverStateLabel(failover)}</Fact>
      {window && (
        <Fact label="Begins">
          {window.startAt === undefined ? 'As soon as it can' : exactly(window.startAt)}
        </Fact>
      )}
      {window?.startBefore !== undefined && <Fact label="Not after">{exactly(window.startBefore)}</Fact>}
      {downtime && (
        <Fact label={downtime.endedAt === undefined ? 'Downtime, running' : 'Downtime'}>
          <strong>
            {downtime.endedAt === undefined && !live ? (
              'not known while offline'
            ) : (
              <Elapsed from={downtime.startedAt} to={downtime.endedAt} />
            )}
          </strong>
        </Fact>
      )}
      {commitBy !== undefined && state === 'active' && (
        <Fact label="Commit or roll back">
          <strong>
            <Ago at={commitBy} />
          </strong>
          , {exactly(commitBy)}
        </Fact>
      )}
      {leaseEndsAt !== undefined && state === 'active' && (
        <Fact label="Ends by itself">
          <Ago at={leaseEndsAt} />
        </Fact>
      )}
      {point && (
        <Fact label="Point in time">
          {exactly(point.at)}, {consistencyWords[point.consistency]}
        </Fact>
      )}
      {loss && (
        <Fact label="Lost writes">
          {loss.seconds === 0
            ? 'None'
            : `${formatDuration(loss.seconds)}${loss.bytes === undefined ? '' : `, about ${formatBytes(loss.bytes)}`}`}
        </Fact>
      )}
      {vm && (
        <Fact label="VM on the target">
          {vm.name}
          <Text size="xs" c="dimmed">
            {methodWords[vm.method]}. {vm.methodReason}
          </Text>
        </Fact>
      )}
    </Group>
  );
}

function Question({ applianceId, failover, readOnly }: Props) {
  const answer = useAgentMutation(applianceId, 'answerFailover', ['getFailover', 'listFailovers']);
  if (!failover.question) return null;
  return (
    <Alert color="orange" icon={<IconHelpCircle aria-hidden />} title="It waits for your answer">
      <Stack gap="xs">
        <Text size="sm">{failover.question.text}</Text>
        <Group gap="xs">
          {failover.question.answers.map((choice) => (
            <Button
              key={choice}
              size="xs"
              variant="default"
              disabled={readOnly !== undefined}
              title={readOnly}
              loading={answer.isPending && answer.variables.body.answer === choice}
              onClick={() =>
                answer.mutate(
                  { params: { id: failover.id }, body: { answer: choice } },
                  { onError: tellProblem },
                )
              }
            >
              {answerWords[choice]}
            </Button>
          ))}
        </Group>
      </Stack>
    </Alert>
  );
}

interface Props {
  readonly applianceId: string;
  readonly failover: Failover;
  readonly readOnly: string | undefined;
}

/** A failover that was begun: what it does, what it waits for, what proves it, and the way on or back. */
export function FailoverView({ applianceId, failover, readOnly, live }: Props & { readonly live: boolean }) {
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
      <Group justify="space-between" align="flex-start">
        <Facts failover={failover} live={live} />
        <Group gap="xs">
          <FailoverActions applianceId={applianceId} failover={failover} readOnly={readOnly} />
        </Group>
      </Group>
      {next !== undefined && !failover.question && (
        <Text size="sm" fw={600} role="status">
          {next}
        </Text>
      )}
      <Question applianceId={applianceId} failover={failover} readOnly={readOnly} />
      {failover.problem && <ProblemAlert problem={failover.problem} about={failover} />}
      <Grid gap="md">
        {job && (
          <Grid.Col span={{ base: 12, md: failover.proof ? 5 : 12 }}>
            <Panel title="Steps">
              {working && job.disks.length > 0 && <JobProgress job={job} live={live} />}
              <StepList steps={job.steps} live={live} />
            </Panel>
          </Grid.Col>
        )}
        {failover.proof && (
          <Grid.Col span={{ base: 12, md: job ? 7 : 12 }}>
            <BootProofPanel applianceId={applianceId} failoverId={failover.id} proof={failover.proof} />
          </Grid.Col>
        )}
      </Grid>
      {(hasEnded(failover) || failover.state === 'active') && failover.state !== 'expired' && (
        <ReportPanel applianceId={applianceId} failover={failover} />
      )}
    </Stack>
  );
}
