import { Button, Menu, Text } from '@mantine/core';
import {
  IconArrowRightBar,
  IconChevronDown,
  IconEraser,
  IconRefresh,
  IconShieldCheck,
  IconTestPipe,
  IconTrash,
} from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { Job, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { CleanupDialog } from '../../components/job/CleanupDialog.tsx';
import { JobActions } from '../../components/job/JobActions.tsx';
import { isOver } from '../../components/job/jobWords.ts';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation } from '../../queries/agent.ts';
import { whyNotRemove, whyNotReplicate, whyNotVerify } from './workloadRow.ts';

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
  const [dialog, setDialog] = useState<'cleanup' | 'remove'>();
  const params = { id: workload.id };
  const noReplicate = readOnly ?? whyNotReplicate(workload);
  const noVerify = readOnly ?? whyNotVerify(workload);
  const noRemove = readOnly ?? whyNotRemove(workload);
  return (
    <>
      {current && !isOver(current) && (
        <JobActions applianceId={applianceId} job={current} readOnly={readOnly} withinWorkload />
      )}
      <Menu position="bottom-end" width={300} shadow="md">
        <Menu.Target>
          <Button
            size="xs"
            variant="default"
            rightSection={<IconChevronDown size={14} aria-hidden />}
            disabled={readOnly !== undefined}
            title={readOnly}
          >
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconEraser size={16} aria-hidden />}
            disabled={workload.currentJobId !== undefined}
            onClick={() => setDialog('cleanup')}
          >
            Clean up
            <Text size="xs" c="dimmed">
              {workload.currentJobId === undefined
                ? 'Removes what ended jobs of this workload left over.'
                : 'A job goes on; it cleans up by itself.'}
            </Text>
          </Menu.Item>
          <Menu.Item
            leftSection={<IconTrash size={16} aria-hidden />}
            disabled={noRemove !== undefined}
            onClick={() => setDialog('remove')}
          >
            Remove
            <Text size="xs" c="dimmed">
              {noRemove ?? 'Deletes the replica and takes the VM out of management.'}
            </Text>
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
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
      {workload.state !== 'migrated' && (
        <Menu position="bottom-end" width={300} shadow="md">
          <Menu.Target>
            <Button size="xs" variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>
              {workload.failoverId === undefined ? 'Cut over' : 'Failover'}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              component={Link}
              to={`/workloads/${workload.id}/cutover?kind=test`}
              leftSection={<IconTestPipe size={16} aria-hidden />}
            >
              {workload.state === 'testing' ? 'Show the test' : 'Test failover'}
              <Text size="xs" c="dimmed">
                A rehearsal on clones and an isolated network; replication goes on.
              </Text>
            </Menu.Item>
            <Menu.Item
              component={Link}
              to={`/workloads/${workload.id}/cutover?kind=live`}
              leftSection={<IconArrowRightBar size={16} aria-hidden />}
            >
              {workload.state === 'failed-over' ? 'Commit or roll back' : 'Cutover'}
              <Text size="xs" c="dimmed">
                {workload.state === 'failed-over'
                  ? 'The VM runs on the target.'
                  : 'Readiness, choices and the forecast are shown before anything is done.'}
              </Text>
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
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
      {dialog && (
        <CleanupDialog
          applianceId={applianceId}
          workload={workload}
          removeReplica={dialog === 'remove'}
          name={workload.name}
          onClose={() => setDialog(undefined)}
          onStarted={(job) => void navigate(job ? `/jobs/${job.id}` : '/workloads')}
        />
      )}
    </>
  );
}
