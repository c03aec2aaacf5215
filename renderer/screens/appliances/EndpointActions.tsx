import { ActionIcon, Button, Group, Menu } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import type { Profile } from '../../../electron/ipc/contract.ts';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation } from '../../queries/agent.ts';
import { useConsoleMutation } from '../../queries/console.ts';

interface Props {
  readonly applianceId: string;
  readonly kind: 'source' | 'target';
  readonly endpoint: { readonly id: string; readonly name: string; readonly url: string };
  /** Accounts that can be lent for it. */
  readonly accounts: readonly Profile[];
  readonly readOnly: string | undefined;
  readonly testing: boolean;
  readonly onTest: () => void;
  readonly onRemove: () => void;
}

/** What can be done with a vCenter or a cloud of an appliance. */
export function EndpointActions(props: Props) {
  const { applianceId, kind, endpoint, accounts, readOnly, testing, onTest, onRemove } = props;
  const lists = ['listSources', 'listTargets'] as const;
  const lend = useConsoleMutation('leases.lend');
  const revoke = useAgentMutation(
    applianceId,
    kind === 'source' ? 'revokeSourceLease' : 'revokeTargetLease',
    lists,
  );
  return (
    <Group gap="xs" wrap="nowrap" justify="flex-end">
      <Button
        size="compact-sm"
        variant="default"
        loading={testing}
        onClick={onTest}
        disabled={readOnly !== undefined}
        title={readOnly}
        aria-label={`Test ${endpoint.name}`}
      >
        Test
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            disabled={readOnly !== undefined}
            aria-label={`More for ${endpoint.name}`}
          >
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {accounts.map(({ id, name }) => (
            <Menu.Item
              key={id}
              onClick={() =>
                lend.mutate(
                  { applianceId, profileId: id, endpointKind: kind, endpointId: endpoint.id },
                  { onError: tellProblem },
                )
              }
            >
              Lend the credentials of {name}
            </Menu.Item>
          ))}
          <Menu.Item onClick={() => revoke.mutate({ params: { id: endpoint.id } }, { onError: tellProblem })}>
            Take the credentials back
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" onClick={onRemove}>
            Remove …
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
