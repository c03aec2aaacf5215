import { Button, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import {
  IconEraser,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
} from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { useAgentMutation } from '../../queries/agent.ts';
import { useConsoleQuery } from '../../queries/console.ts';
import { tellProblem } from '../tellProblem.ts';
import { CleanupDialog } from './CleanupDialog.tsx';
import { isOver, titleOf } from './jobWords.ts';
import { type Retry, retryOf } from './retry.ts';

interface Props {
  readonly applianceId: string;
  readonly job: Job;
  /** Why nothing can be changed now. */
  readonly readOnly: string | undefined;
  /** Leaves out what leads to the workload, where that is shown already. */
  readonly withinWorkload?: boolean;
}

/** What can be done about a job: cancel it while it goes on, retry it or clean up after it when it did not work. */
export function JobActions({ applianceId, job, readOnly, withinWorkload = false }: Props) {
  const navigate = useNavigate();
  const changed = ['listJobs', 'getJob', 'listWorkloads', 'getWorkload'] as const;
  const cancel = useAgentMutation(applianceId, 'cancelJob', changed);
  const pause = useAgentMutation(applianceId, job.paused ? 'resumeJob' : 'pauseJob', changed);
  const replicate = useAgentMutation(applianceId, 'startReplicate', changed);
  const verify = useAgentMutation(applianceId, 'startVerify', changed);
  const profiles = useConsoleQuery('profiles.list').data;
  const appliance = profiles?.find(({ id }) => id === applianceId)?.name ?? 'this appliance';
  const [cleaning, setCleaning] = useState(false);

  const open = (started: Job | undefined) => {
    setCleaning(false);
    if (started) void navigate(`/jobs/${started.id}`);
  };
  const retry = (how: Retry) => {
    const params = { id: how.workloadId };
    const told = { onSuccess: ({ data }: { data: Job }) => open(data), onError: tellProblem };
    if (how.kind === 'replicate') replicate.mutate({ params, body: {} }, told);
    else verify.mutate({ params, body: { mode: how.mode } }, told);
  };
  const askCancel = () =>
    modals.openConfirmModal({
      title: `Cancel: ${titleOf(job)}`,
      centered: true,
      children: (
        <Text size="sm">
          {job.kind === 'cleanup'
            ? 'What is removed already stays removed.'
            : 'What is copied already is kept, and the next run goes on from there. Its snapshot is removed and its volumes are detached.'}
        </Text>
      ),
      labels: { confirm: 'Cancel the job', cancel: 'Let it go on' },
      confirmProps: { color: 'red' },
      onConfirm: () => cancel.mutate({ params: { id: job.id } }, { onError: tellProblem }),
    });

  const again = retryOf(job);
  const unfinished = job.state === 'failed' || job.state === 'cancelled';
  const workload =
    job.workloadId !== undefined && job.workloadName !== undefined
      ? { id: job.workloadId, name: job.workloadName }
      : undefined;
  return (
    <>
      {!isOver(job) && job.kind !== 'cleanup' && (
        <Button
          size="xs"
          variant={job.paused ? 'filled' : 'default'}
          leftSection={
            job.paused ? <IconPlayerPlay size={16} aria-hidden /> : <IconPlayerPause size={16} aria-hidden />
          }
          disabled={readOnly !== undefined}
          title={readOnly}
          loading={pause.isPending}
          onClick={() => pause.mutate({ params: { id: job.id } }, { onError: tellProblem })}
        >
          {job.paused ? 'Resume' : 'Pause'}
        </Button>
      )}
      {!isOver(job) && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          disabled={readOnly !== undefined}
          title={readOnly}
          loading={cancel.isPending}
          onClick={askCancel}
        >
          Cancel
        </Button>
      )}
      {unfinished && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconEraser size={16} aria-hidden />}
          disabled={readOnly !== undefined}
          title={readOnly}
          onClick={() => setCleaning(true)}
        >
          Clean up
        </Button>
      )}
      {unfinished && workload && !withinWorkload && (
        <Button size="xs" variant="default" component={Link} to={`/workloads/${workload.id}?tab=settings`}>
          Edit settings
        </Button>
      )}
      {again && (
        <Button
          size="xs"
          leftSection={<IconRefresh size={16} aria-hidden />}
          disabled={readOnly !== undefined}
          title={readOnly}
          loading={replicate.isPending || verify.isPending}
          onClick={() => retry(again)}
        >
          Retry
        </Button>
      )}
      {cleaning && (
        <CleanupDialog
          applianceId={applianceId}
          workload={workload}
          name={workload?.name ?? appliance}
          onClose={() => setCleaning(false)}
          onStarted={open}
        />
      )}
    </>
  );
}
