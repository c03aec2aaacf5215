import { Alert, Button, Menu } from '@mantine/core';
import { IconChevronDown, IconLock, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useConsoleQuery } from '../../queries/console.ts';
import { AccountDialog } from './AccountDialog.tsx';
import type { Account } from './AccountForm.tsx';
import { AccountList } from './AccountList.tsx';
import { DeleteAccount } from './DeleteAccount.tsx';
import { TransferDialog } from './TransferDialog.tsx';

type Open =
  | { readonly what: 'account'; readonly kind: Account['kind']; readonly account: Account | undefined }
  | { readonly what: 'delete'; readonly account: Account }
  | { readonly what: 'export' | 'import' };

const titles = { vcenter: 'vCenter', cloudstack: 'CloudStack' } as const;

/** The accounts of both sides. All of it works without any network; the secrets are in the keychain only. */
export default function CredentialsScreen() {
  const [parameters, setParameters] = useSearchParams();
  const wanted = parameters.get('new');
  const [open, setOpen] = useState<Open | undefined>(
    wanted === 'vcenter' || wanted === 'cloudstack'
      ? { what: 'account', kind: wanted, account: undefined }
      : undefined,
  );
  const keychain = useConsoleQuery('keychain.status').data;
  const profiles = useConsoleQuery('profiles.list');
  const close = () => {
    setOpen(undefined);
    if (wanted !== null) setParameters({}, { replace: true });
  };
  if (profiles.isPending) return <LoadingScreen />;
  if (profiles.isError)
    return <ProblemState error={profiles.error} onRetry={() => void profiles.refetch()} />;
  const accounts = profiles.data.filter((profile) => profile.kind !== 'appliance');

  return (
    <Page
      title="Credentials"
      actions={
        <Menu position="bottom-end">
          <Menu.Target>
            <Button size="xs" variant="default" rightSection={<IconChevronDown size={16} aria-hidden />}>
              Export, import
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => setOpen({ what: 'export' })}>Export profiles …</Menu.Item>
            <Menu.Item onClick={() => setOpen({ what: 'import' })}>Import profiles …</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      }
    >
      {keychain && keychain.state !== 'available' && (
        <Alert
          color="orange"
          variant="light"
          icon={<IconLock aria-hidden />}
          title={keychain.state === 'locked' ? `${keychain.store} is locked` : 'There is no keychain'}
        >
          {keychain.detail} Names and addresses can be changed; passwords and keys cannot be kept before that.
        </Alert>
      )}
      {(['vcenter', 'cloudstack'] as const).map((kind) => (
        <AccountList
          key={kind}
          title={`${titles[kind]} accounts`}
          accounts={accounts.filter((account) => account.kind === kind)}
          add={
            <Button
              size="xs"
              leftSection={<IconPlus size={16} aria-hidden />}
              onClick={() => setOpen({ what: 'account', kind, account: undefined })}
            >
              Add a {titles[kind]} account
            </Button>
          }
          onEdit={(account) => setOpen({ what: 'account', kind, account })}
          onDelete={(account) => setOpen({ what: 'delete', account })}
        />
      ))}
      {open?.what === 'account' && (
        <AccountDialog kind={open.kind} account={open.account} title={titles[open.kind]} onClose={close} />
      )}
      {open?.what === 'delete' && <DeleteAccount account={open.account} onClose={close} />}
      {(open?.what === 'export' || open?.what === 'import') && (
        <TransferDialog direction={open.what} onClose={close} />
      )}
    </Page>
  );
}
