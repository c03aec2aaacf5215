import { Button, Group, List, Loader, Modal, Stack, Text } from '@mantine/core';
import type { Job, Orphan } from '../../../appliance-agent/src/contract/index.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { ConfirmByName } from '../ConfirmByName.tsx';
import { ProblemState } from '../ProblemState.tsx';
import { tellProblem } from '../tellProblem.ts';
import { useGiveFocusBack } from '../useGiveFocusBack.ts';
import { leftoverWords } from './jobWords.ts';

interface Props {
  readonly applianceId: string;
  /** Undefined: whatever is left over of any workload. */
  readonly workload?: { readonly id: string; readonly name: string } | undefined;
  /** Deletes the replica too, and forgets the workload. */
  readonly removeReplica?: boolean;
  /** What has to be typed: the workload's name, or the appliance's. */
  readonly name: string;
  readonly onClose: () => void;
  readonly onStarted: (job: Job | undefined) => void;
}

function Plan({ plan }: { readonly plan: readonly Orphan[] }) {
  return (
    <List size="sm" spacing={6} style={{ overflowWrap: 'anywhere' }}>
      {plan.map(({ kind, id, name, action }) => (
        <List.Item key={`${kind} ${id}`}>
          {leftoverWords[kind]} <strong>{name}</strong>
          <Text size="sm" c="dimmed">
            {action}
          </Text>
        </List.Item>
      ))}
    </List>
  );
}

/** Shows what a clean-up would remove, and starts it once that was confirmed. Mount it while it is open. */
export function CleanupDialog({
  applianceId,
  workload,
  removeReplica = false,
  name,
  onClose,
  onStarted,
}: Props) {
  useGiveFocusBack();
  const request = { removeReplica, ...(workload && { workloadId: workload.id }) };
  const planned = useAgentQuery(
    applianceId,
    'startCleanup',
    { body: { ...request, dryRun: true } },
    { staleTime: 0 },
  );
  const start = useAgentMutation(applianceId, 'startCleanup', [
    'listJobs',
    'listOrphans',
    'listWorkloads',
    'listVolumes',
  ]);
  const title = removeReplica ? `Remove ${name}` : workload ? `Clean up after ${name}` : 'Clean up';

  if (planned.isError || planned.isFetching || !planned.data)
    return (
      <Modal opened onClose={onClose} title={title} centered>
        {planned.isError && !planned.isFetching ? (
          <ProblemState error={planned.error} onRetry={() => void planned.refetch()} />
        ) : (
          <Group gap="sm" role="status">
            <Loader size="sm" aria-hidden />
            <Text size="sm">Looks for what is left over in vCenter, CloudStack and on the appliance.</Text>
          </Group>
        )}
      </Modal>
    );
  const { plan } = planned.data.data;
  if (plan.length === 0 && !removeReplica)
    return (
      <Modal opened onClose={onClose} title={title} centered>
        <Stack gap="md">
          <Text size="sm">Nothing is left over: no snapshot, no volume and no journal without use.</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose} data-autofocus>
              Close
            </Button>
          </Group>
        </Stack>
      </Modal>
    );
  return (
    <ConfirmByName
      opened
      onClose={onClose}
      title={title}
      name={name}
      confirmLabel={removeReplica ? 'Remove' : 'Clean up'}
      busy={start.isPending}
      onConfirm={() =>
        start.mutate(
          { body: request },
          { onSuccess: ({ data }) => onStarted(data.job), onError: tellProblem },
        )
      }
    >
      <Stack gap="xs">
        {removeReplica && (
          <Text size="sm">
            The replica is deleted from CloudStack and {name} is no longer managed. The VM in vCenter stays as
            it is.
          </Text>
        )}
        {plan.length > 0 && (
          <>
            <Text size="sm">This is removed:</Text>
            <Plan plan={plan} />
          </>
        )}
      </Stack>
    </ConfirmByName>
  );
}
