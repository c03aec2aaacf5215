import { List, Text } from '@mantine/core';
import { ConfirmByName } from '../../components/ConfirmByName.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useGiveFocusBack } from '../../components/useGiveFocusBack.ts';
import { useConsoleMutation, useConsoleQuery } from '../../queries/console.ts';
import type { Account } from './AccountForm.tsx';

/** Says what uses an account before it goes. */
export function DeleteAccount({
  account,
  onClose,
}: {
  readonly account: Account;
  readonly onClose: () => void;
}) {
  useGiveFocusBack();
  const usage = useConsoleQuery('profiles.usage', { id: account.id }).data;
  const remove = useConsoleMutation('profiles.delete', ['profiles.list', 'profiles.defaults']);
  return (
    <ConfirmByName
      opened
      onClose={onClose}
      title={`Delete ${account.name}`}
      name={account.name}
      confirmLabel="Delete account"
      busy={remove.isPending}
      onConfirm={() => remove.mutate({ id: account.id }, { onSuccess: onClose, onError: tellProblem })}
    >
      <Text size="sm">
        The account and its secrets are removed from this computer. Nothing changes on its server.
      </Text>
      {usage && usage.appliances.length > 0 && (
        <>
          <Text size="sm" mt="xs">
            These appliances work with it. They go on until they restart, and then wait for credentials:
          </Text>
          <List size="sm">
            {usage.appliances.map(({ id, name }) => (
              <List.Item key={id}>{name}</List.Item>
            ))}
          </List>
        </>
      )}
      {usage?.isDefault && (
        <Text size="sm" mt="xs">
          It is the default.
        </Text>
      )}
    </ConfirmByName>
  );
}
