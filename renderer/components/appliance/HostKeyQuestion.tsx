import { Alert, Button, Code, Group, Stack, Table, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import type { ApplianceStatus } from '../../../electron/ipc/contract.ts';
import { useConsoleMutation } from '../../queries/console.ts';
import { ProblemState } from '../ProblemState.tsx';

/** Asks whether a server's key is to be trusted. One that was trusted before and has changed is never waved through by a click. */
export function HostKeyQuestion({ status }: { readonly status: ApplianceStatus }) {
  const trust = useConsoleMutation('appliances.trustHostKey', ['appliances.status', 'profiles.list']);
  const question = status.hostKeyQuestion;
  if (!question) return null;
  const { host, fingerprint, keyType, trusted } = question;
  return (
    <Alert
      color={trusted === undefined ? 'blue' : 'red'}
      variant="light"
      icon={<IconKey aria-hidden />}
      title={trusted === undefined ? `Is this ${host}?` : `The key of ${host} has changed`}
      role="alert"
    >
      <Stack gap="xs">
        <Text size="sm">
          {trusted === undefined
            ? 'Compare the fingerprint with the one that the appliance shows on its own console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub).'
            : 'Somebody may be listening in between, or the appliance was installed anew. Nothing was sent. Compare the fingerprints on the appliance’s own console before you trust the new one.'}
        </Text>
        <Table withRowBorders={false} verticalSpacing={2} w="auto">
          <Table.Tbody>
            {trusted !== undefined && (
              <Table.Tr>
                <Table.Th fw={500}>Trusted</Table.Th>
                <Table.Td>
                  <Code>{trusted}</Code>
                </Table.Td>
              </Table.Tr>
            )}
            <Table.Tr>
              <Table.Th fw={500}>Shown now ({keyType})</Table.Th>
              <Table.Td>
                <Code>{fingerprint}</Code>
              </Table.Td>
            </Table.Tr>
          </Table.Tbody>
        </Table>
        {trust.error && <ProblemState error={trust.error} />}
        <Group gap="xs">
          <Button
            size="xs"
            color={trusted === undefined ? 'blue' : 'red'}
            loading={trust.isPending}
            onClick={() => trust.mutate({ id: status.id, fingerprint })}
          >
            {trusted === undefined ? 'It is: trust it' : 'I compared it: trust the new key'}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
