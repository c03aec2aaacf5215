import { ActionIcon, Badge, Button, Group, Menu, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Ago } from '../../components/Ago.tsx';
import { TestOutcome } from '../../components/endpoint/TestOutcome.tsx';
import { Panel } from '../../components/Panel.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useConsoleMutation, useConsoleQuery } from '../../queries/console.ts';
import type { Account } from './AccountForm.tsx';

interface Props {
  readonly title: string;
  readonly accounts: readonly Account[];
  readonly add: ReactNode;
  readonly onEdit: (account: Account) => void;
  readonly onDelete: (account: Account) => void;
}

/** The accounts of one side, with all that can be done to each. */
export function AccountList({ title, accounts, add, onEdit, onDelete }: Props) {
  return (
    <Panel title={title} aside={add}>
      {accounts.length === 0 ? (
        <Text c="dimmed">None yet. An account can be added without any connection.</Text>
      ) : (
        <Table.ScrollContainer
          minWidth={640}
          scrollAreaProps={{ offsetScrollbars: 'present', tabIndex: 0, 'aria-label': title }}
        >
          <Table verticalSpacing="xs" aria-label={title}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Address</Table.Th>
                <Table.Th>Account</Table.Th>
                <Table.Th>Changed</Table.Th>
                <Table.Th w={150}>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {accounts.map((account) => (
                <AccountRow key={account.id} account={account} onEdit={onEdit} onDelete={onDelete} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}

function AccountRow({
  account,
  onEdit,
  onDelete,
}: Pick<Props, 'onEdit' | 'onDelete'> & { readonly account: Account }) {
  const defaults = useConsoleQuery('profiles.defaults').data;
  const test = useConsoleMutation('profiles.test');
  const setDefault = useConsoleMutation('profiles.setDefault', ['profiles.defaults']);
  const isDefault = defaults?.[account.kind] === account.id;
  return (
    <>
      <Table.Tr>
        <Table.Td style={{ overflowWrap: 'anywhere' }}>
          <Group gap="xs">
            {account.name}
            {isDefault && (
              <Badge variant="light" tt="none" size="sm">
                Default
              </Badge>
            )}
          </Group>
        </Table.Td>
        <Table.Td style={{ overflowWrap: 'anywhere' }}>{account.url}</Table.Td>
        <Table.Td style={{ overflowWrap: 'anywhere' }}>
          {account.kind === 'vcenter' ? account.username : (account.accountHint ?? 'By API key')}
          {!account.hasSecret && (
            <Text size="xs" c="orange">
              No secret is kept: edit it to type one.
            </Text>
          )}
        </Table.Td>
        <Table.Td>
          <Ago at={account.updatedAt} />
        </Table.Td>
        <Table.Td>
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            <Button
              size="compact-sm"
              variant="default"
              loading={test.isPending}
              onClick={() => test.mutate({ id: account.id })}
              aria-label={`Test ${account.name}`}
            >
              Test
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <ActionIcon variant="subtle" color="gray" aria-label={`More for ${account.name}`}>
                  <IconDots size={16} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => onEdit(account)}>Edit …</Menu.Item>
                <Menu.Item
                  disabled={isDefault}
                  onClick={() => setDefault.mutate({ id: account.id }, { onError: tellProblem })}
                >
                  Make it the default
                </Menu.Item>
                <Menu.Divider />
                <Menu.Item color="red" onClick={() => onDelete(account)}>
                  Delete …
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Table.Td>
      </Table.Tr>
      {(test.isSuccess || test.isError) && (
        <Table.Tr>
          <Table.Td colSpan={5}>
            <Stack gap="xs">
              <TestOutcome name={account.name} result={test.data} error={test.error} onClose={test.reset} />
            </Stack>
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}
