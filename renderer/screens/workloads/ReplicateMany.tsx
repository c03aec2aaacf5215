import { Button, Group, List, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { Workload } from '../../../appliance-agent/src/contract/index.ts';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation } from '../../queries/agent.ts';
import { planReplication, whyNotReplicate } from './workloadRow.ts';

interface Props {
  readonly applianceId: string;
  readonly workloads: readonly Workload[];
  readonly onClose: (started: boolean) => void;
}

const namesShown = 12;

function Names({ title, workloads }: { readonly title: string; readonly workloads: readonly Workload[] }) {
  if (workloads.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600}>
        {title} ({workloads.length.toLocaleString()})
      </Text>
      <List size="sm">
        {workloads.slice(0, namesShown).map((workload) => (
          <List.Item key={workload.id}>
            {workload.name}
            {whyNotReplicate(workload) !== undefined && `: ${whyNotReplicate(workload)}.`}
          </List.Item>
        ))}
        {workloads.length > namesShown && (
          <List.Item>and {(workloads.length - namesShown).toLocaleString()} more</List.Item>
        )}
      </List>
    </div>
  );
}

/** Tells what replicating the chosen workloads will do to each, and starts it. */
export function ReplicateMany({ applianceId, workloads, onClose }: Props) {
  const start = useAgentMutation(applianceId, 'startReplicate', ['listJobs', 'listWorkloads']);
  const [busy, setBusy] = useState(false);
  const { first, again, leftOut } = planReplication(workloads);
  const wanted = [...first, ...again];
  const run = async () => {
    setBusy(true);
    let started = 0;
    // One after another: the agent puts them in its queue, and a refusal is told for the workload that it is about.
    for (const { id } of wanted)
      try {
        await start.mutateAsync({ params: { id }, body: {} });
        started++;
      } catch (error) {
        tellProblem(error);
      }
    if (started > 0)
      notifications.show({
        title: 'Replicate',
        message: `${started.toLocaleString()} ${started === 1 ? 'job was' : 'jobs were'} started.`,
      });
    onClose(started > 0);
  };
  return (
    <Modal opened onClose={() => onClose(false)} title="Replicate now" centered>
      <Stack gap="sm">
        <Names title="First replication, every block that is in use" workloads={first} />
        <Names title="What has changed since the last one" workloads={again} />
        <Names title="Left out" workloads={leftOut} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => onClose(false)}>
            Close
          </Button>
          <Button data-autofocus disabled={wanted.length === 0} loading={busy} onClick={() => void run()}>
            Replicate {wanted.length.toLocaleString()}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
