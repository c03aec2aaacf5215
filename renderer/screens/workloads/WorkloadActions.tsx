import { Button, Menu, Text } from '@mantine/core';
import { IconChevronDown, IconRefresh, IconShieldCheck, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import type { Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { CleanupDialog } from '../../components/job/CleanupDialog.tsx';
import { JobActions } from '../../components/job/JobActions.tsx';
import { isOver } from '../../components/job/jobWords.ts';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation } from '../../queries/agent.ts';
import { whyNotReplicate } from './workloadRow.ts';

interface Props {
  readonly applianceId: string;
  readonly workload: Workload;
  /** The job that goes on now. */
  readonly current: Job | undefined;
  /** Why nothing can be changed now. */
  readonly readOnly: string | undefined;
}

const verifyModes = [
  {
    mode: 'readback',
    label: 'Read the replica again',
    detail: 'Compares the volumes with their digests; the source is not touched.',
  },
  {
    mode: 'source',
    label: 'Compare with the source',
    detail: 'Takes a snapshot and reads both sides; what differs is copied again.',
  },
] as const;

/** What can be done with a workload now. */
export function WorkloadActions({ applianceId, workload, current, readOnly }: Props) {
  const navigate = useNavigate();
  const changed = ['listJobs', 'listWorkloads', 'getWorkload'] as const;
  const replicate = useAgentMutation(applianceId, 'startReplicate', changed);
  const verify = useAgentMutation(applianceId, 'startVerify', changed);
  const [removing, setRemoving] = useState(false);
  const params = { id: workload.id };
  const busy = workload.currentJobId === undefined ? undefined : 'A job of this workload goes on already';
  const noReplicate = readOnly ?? whyNotReplicate(workload);
  const noVerify =
    readOnly ??
    busy ??
    (workload.replicatedUntil === undefined ? 'There is no replica yet: replicate first' : undefined);
  const noRemove = readOnly ?? (busy && 'Cancel its job first');
  return (
    <>
      {current && !isOver(current) && (
        <JobActions applianceId={applianceId} job={current} readOnly={readOnly} withinWorkload />
      )}
      <Button
        size="xs"
        variant="default"
        leftSection={<IconTrash size={16} aria-hidden />}
        disabled={noRemove !== undefined}
        title={noRemove}
        onClick={() => setRemoving(true)}
      >
        Remove
      </Button>
      <Menu position="bottom-end" width={300} shadow="md">
        <Menu.Target>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconShieldCheck size={16} aria-hidden />}
            rightSection={<IconChevronDown size={14} aria-hidden />}
            disabled={noVerify !== undefined}
            title={noVerify}
            loading={verify.isPending}
          >
            Verify
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {verifyModes.map(({ mode, label, detail }) => (
            <Menu.Item
              key={mode}
              onClick={() => verify.mutate({ params, body: { mode } }, { onError: tellProblem })}
            >
              {label}
              <Text size="xs" c="dimmed">
                {detail}
              </Text>
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button
        size="xs"
        leftSection={<IconRefresh size={16} aria-hidden />}
        disabled={noReplicate !== undefined}
        title={noReplicate}
        loading={replicate.isPending}
        onClick={() => replicate.mutate({ params, body: {} }, { onError: tellProblem })}
      >
        Replicate now
      </Button>
      {removing && (
        <CleanupDialog
          applianceId={applianceId}
          workload={workload}
          removeReplica
          name={workload.name}
          onClose={() => setRemoving(false)}
          onStarted={(job) => void navigate(job ? `/jobs/${job.id}` : '/workloads')}
        />
      )}
    </>
  );
}
