import { Button, Menu, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { IconChevronDown } from '@tabler/icons-react';
import { useState } from 'react';
import type { Failover } from '../../../appliance-agent/src/contract/index.ts';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation } from '../../queries/agent.ts';
import { unfinishedOf } from './failoverWords.ts';
import { UndoDialog, type Undoing } from './UndoDialog.tsx';

const extensions = [30, 60, 240, 1440] as const;
const changed = ['getFailover', 'listFailovers', 'getWorkload', 'listWorkloads'] as const;

interface Props {
  readonly applianceId: string;
  readonly failover: Failover;
  readonly readOnly: string | undefined;
}

/** What can be done with a failover now. */
export function FailoverActions({ applianceId, failover, readOnly }: Props) {
  const [undoing, setUndoing] = useState<Undoing>();
  const cancel = useAgentMutation(applianceId, 'cancelFailover', changed);
  const extend = useAgentMutation(applianceId, 'extendCommit', changed);
  const retry = useAgentMutation(applianceId, 'retryFailover', [...changed, 'listJobs']);
  const tested = useAgentMutation(applianceId, 'markTested', changed);
  const { kind, state } = failover;
  const params = { id: failover.id };
  const disabled = readOnly !== undefined;
  const live = kind === 'live';
  const unfinished = unfinishedOf(failover);
  const common = { size: 'xs', disabled, title: readOnly } as const;
  const what = live ? 'the cutover' : 'the test';
  const askCancel = () =>
    modals.openConfirmModal({
      title: `Cancel ${what}`,
      centered: true,
      closeButtonProps: { 'aria-label': 'Close' },
      children: (
        <Text size="sm">
          {state === 'scheduled'
            ? 'Nothing has been done yet: the workload stays as it is.'
            : `It stops where it is. What exists by then stays until it is cleaned up, which is offered next${live ? '; the cleanup starts the source again' : ''}.`}
        </Text>
      ),
      labels: { confirm: `Cancel ${what}`, cancel: 'Let it go on' },
      confirmProps: { color: 'red' },
      onConfirm: () => cancel.mutate({ params }, { onError: tellProblem }),
    });
  return (
    <>
      {(state === 'scheduled' || state === 'running') && (
        <Button {...common} variant="default" loading={cancel.isPending} onClick={askCancel}>
          Cancel
        </Button>
      )}
      {state === 'active' && live && (
        <>
          <Menu position="bottom-end" shadow="md">
            <Menu.Target>
              <Button
                {...common}
                variant="default"
                rightSection={<IconChevronDown size={14} aria-hidden />}
                loading={extend.isPending}
              >
                More time
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {extensions.map((minutes) => (
                <Menu.Item
                  key={minutes}
                  onClick={() => extend.mutate({ params, body: { minutes } }, { onError: tellProblem })}
                >
                  {minutes < 60 ? `${minutes} min from now` : `${minutes / 60} h from now`}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <Button {...common} variant="default" color="red" onClick={() => setUndoing('rollback')}>
            Roll back
          </Button>
          <Button {...common} onClick={() => setUndoing('commit')}>
            Commit
          </Button>
        </>
      )}
      {state === 'active' && !live && (
        <>
          {failover.tested ? (
            <Text size="xs" c="dimmed">
              Found good by {failover.tested.by}
            </Text>
          ) : (
            <Button
              {...common}
              variant="default"
              loading={tested.isPending}
              onClick={() => tested.mutate({ params, body: {} }, { onError: tellProblem })}
            >
              Mark as tested
            </Button>
          )}
          <Button {...common} onClick={() => setUndoing('cleanup')}>
            End the test
          </Button>
        </>
      )}
      {state === 'interrupted' && (
        <>
          <Button {...common} variant={live ? 'default' : 'filled'} onClick={() => setUndoing('cleanup')}>
            Clean up
          </Button>
          {live && (
            <Button
              {...common}
              loading={retry.isPending}
              onClick={() => retry.mutate({ params }, { onError: tellProblem })}
            >
              Try again
            </Button>
          )}
        </>
      )}
      {unfinished && (
        <Button {...common} onClick={() => setUndoing(unfinished.act)}>
          {unfinished.label}
        </Button>
      )}
      {undoing && (
        <UndoDialog
          applianceId={applianceId}
          failover={failover}
          kind={undoing}
          onClose={() => setUndoing(undefined)}
        />
      )}
    </>
  );
}
