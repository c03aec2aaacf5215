import { Stack, Text } from '@mantine/core';
import { AddSource } from '../../components/endpoint/AddSource.tsx';
import { AddTarget } from '../../components/endpoint/AddTarget.tsx';
import { useConsoleMutation, useConsoleQuery } from '../../queries/console.ts';
import type { Account } from '../credentials/AccountForm.tsx';
import { AccountForm } from '../credentials/AccountForm.tsx';

interface Props {
  readonly kind: Account['kind'];
  /** Undefined: none is connected, so the account is only kept. */
  readonly applianceId: string | undefined;
  readonly onDone: () => void;
}

/** An account is kept in the keychain, and given to the appliance where one is connected. */
export function AccountStep({ kind, applianceId, onDone }: Props) {
  const profiles = useConsoleQuery('profiles.list').data ?? [];
  const create = useConsoleMutation('profiles.create', ['profiles.list', 'profiles.defaults']);
  const account = profiles.find((profile) => profile.kind === kind);
  if (!account || (account.kind !== 'vcenter' && account.kind !== 'cloudstack'))
    return (
      <AccountForm
        key={kind}
        kind={kind}
        busy={create.isPending}
        error={create.error}
        submitLabel="Keep the account"
        onSubmit={(profile, secrets) =>
          create.mutate({ profile, secrets }, { onSuccess: () => applianceId === undefined && onDone() })
        }
      />
    );
  if (applianceId === undefined)
    return (
      <Text size="sm">
        The account {account.name} is kept. It is given to an appliance as soon as one is connected, in
        Appliances.
      </Text>
    );
  return (
    <Stack gap="sm">
      <Text size="sm">The account is kept in the keychain. Now give it to the appliance.</Text>
      {account.kind === 'vcenter' ? (
        <AddSource applianceId={applianceId} accounts={[account]} accountId={account.id} onDone={onDone} />
      ) : (
        <AddTarget applianceId={applianceId} accounts={[account]} accountId={account.id} onDone={onDone} />
      )}
    </Stack>
  );
}
