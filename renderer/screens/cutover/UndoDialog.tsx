import { Button, Checkbox, Group, List, Loader, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Failover } from '../../../appliance-agent/src/contract/index.ts';
import { ProblemState } from '../../components/ProblemState.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { remainsWords } from './failoverWords.ts';

export type Undoing = 'commit' | 'rollback' | 'cleanup';

const words = {
  commit: {
    title: 'Commit the cutover',
    label: 'Commit',
    meaning:
      'The VM on the target becomes final. What only a rollback needs is removed: there is no way back afterwards.',
  },
  rollback: {
    title: 'Roll back to the source',
    label: 'Roll back',
    meaning:
      'The VM on the target is stopped and removed, the source comes back, and replication goes on from where it was. What was written on the target since its start is lost.',
  },
  cleanup: {
    title: 'Clean up',
    label: 'Clean up',
    meaning: 'What the failover made is removed, and the workload is again where it was before.',
  },
  end: {
    title: 'End the test',
    label: 'End the test',
    meaning: 'What was made for the test is removed. The replica was not touched by it.',
  },
} as const;

const routes = {
  commit: 'commitFailover',
  rollback: 'rollBackFailover',
  cleanup: 'cleanUpFailover',
} as const;
const changed = ['getFailover', 'listFailovers', 'getWorkload', 'listWorkloads', 'listJobs'] as const;

interface Props {
  readonly applianceId: string;
  readonly failover: Failover;
  readonly kind: Undoing;
  readonly onClose: () => void;
}

/** Shows what exists and what becomes of it, before it is done. */
export function UndoDialog({ applianceId, failover, kind, onClose }: Props) {
  const [typed, setTyped] = useState('');
  const [powerOnSource, setPowerOn] = useState(true);
  const params = { id: failover.id };
  const poweredOn = kind === 'rollback' || (kind === 'cleanup' && failover.kind === 'live');
  const plan = useAgentQuery(
    applianceId,
    routes[kind],
    { params, body: { dryRun: true, ...(poweredOn && { powerOnSource }) } },
    { staleTime: 0 },
  );
  const commit = useAgentMutation(applianceId, 'commitFailover', changed);
  const rollBack = useAgentMutation(applianceId, 'rollBackFailover', changed);
  const cleanUp = useAgentMutation(applianceId, 'cleanUpFailover', changed);
  const { title, label, meaning } = words[kind === 'cleanup' && failover.state === 'active' ? 'end' : kind];
  // The target's data is lost by a rollback, and the way back by a commit; both are confirmed by the name.
  const name =
    kind === 'cleanup' && failover.kind === 'test'
      ? undefined
      : (failover.vm?.name ?? (kind === 'cleanup' ? undefined : failover.workloadName));
  const fits = name === undefined || typed.trim() === name;
  const outcome = { onError: tellProblem, onSuccess: onClose };
  const begin = {
    commit: () =>
      commit.mutate({ params, body: { acceptFailedProof: failover.proof?.passed !== true } }, outcome),
    rollback: () => rollBack.mutate({ params, body: { confirmName: typed.trim(), powerOnSource } }, outcome),
    cleanup: () =>
      cleanUp.mutate(
        { params, body: name === undefined ? {} : { confirmName: typed.trim(), powerOnSource } },
        outcome,
      ),
  }[kind];
  return (
    <Modal
      opened
      onClose={onClose}
      closeButtonProps={{ 'aria-label': 'Close' }}
      title={title}
      centered
      size="lg"
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (fits) begin();
        }}
      >
        <Stack gap="sm">
          <Text size="sm">{meaning}</Text>
          {kind === 'commit' && failover.proof?.passed !== true && (
            <Text size="sm" fw={600}>
              The boot proof did not pass: look at the VM on the target first.
            </Text>
          )}
          {plan.isPending && <Loader size="sm" role="img" aria-label="Looking at what exists" />}
          {plan.isError && <ProblemState error={plan.error} onRetry={() => void plan.refetch()} />}
          {plan.data && (
            <List size="sm" spacing={4}>
              {plan.data.data.plan.map((thing) => (
                <List.Item key={`${thing.kind} ${thing.id}`} style={{ overflowWrap: 'anywhere' }}>
                  <Text span size="sm" c="dimmed">
                    {remainsWords[thing.kind]}:
                  </Text>{' '}
                  {thing.name}
                  <Text size="sm" fw={600}>
                    {thing.action}
                  </Text>
                </List.Item>
              ))}
              {plan.data.data.plan.length === 0 && <List.Item>Nothing exists outside.</List.Item>}
            </List>
          )}
          {poweredOn && (
            <Checkbox
              label="Power the source on again"
              checked={powerOnSource}
              onChange={(event) => setPowerOn(event.currentTarget.checked)}
            />
          )}
          {name !== undefined && (
            <TextInput
              label={`Type "${name}" to confirm`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
            />
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            <Button
              type="submit"
              {...(kind === 'rollback' && { color: 'red' })}
              disabled={!fits || !plan.data}
              loading={commit.isPending || rollBack.isPending || cleanUp.isPending}
            >
              {label}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
