import { Button, Code, Group, Select, Stack, Table, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Certificate, SourceEndpoint } from '../../../appliance-agent/src/contract/index.ts';
import type { VcenterProfile } from '../../../electron/ipc/contract.ts';
import { agentKey, callAgent } from '../../queries/agent.ts';
import { useConsoleMutation } from '../../queries/console.ts';
import { ProblemState } from '../ProblemState.tsx';

interface Props {
  readonly applianceId: string;
  readonly accounts: readonly VcenterProfile[];
  /** Chosen from the start. */
  readonly accountId?: string | undefined;
  readonly onDone: (source: SourceEndpoint) => void;
  readonly onCancel?: (() => void) | undefined;
}

/** Gives an appliance a vCenter: its certificate is looked at from the appliance and trusted by a person, then the account is lent. */
export function AddSource({ applianceId, accounts, accountId, onDone, onCancel }: Props) {
  const client = useQueryClient();
  const lend = useConsoleMutation('leases.lend');
  const [chosen, setChosen] = useState(accountId ?? accounts[0]?.id ?? null);
  const [certificate, setCertificate] = useState<Certificate>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const account = accounts.find(({ id }) => id === chosen);

  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  const look = () =>
    attempt(async () => {
      if (!account) return;
      const { data } = await callAgent(applianceId, 'probeCertificate', { body: { url: account.url } });
      setCertificate(data);
    });
  const add = () =>
    attempt(async () => {
      if (!account || !certificate) return;
      const { name, url } = account;
      const { fingerprint } = certificate;
      const { data: source } = await callAgent(applianceId, 'createSource', {
        body: { name, url, fingerprint },
      });
      await lend.mutateAsync({
        applianceId,
        profileId: account.id,
        endpointKind: 'source',
        endpointId: source.id,
      });
      await client.invalidateQueries({ queryKey: agentKey(applianceId, 'listSources') });
      // A wrong password is told here, not by the first job.
      await callAgent(applianceId, 'testSource', { params: { id: source.id } });
      onDone(source);
    });

  return (
    <Stack gap="sm">
      <Select
        label="vCenter account"
        data={accounts.map(({ id, name, url }) => ({ value: id, label: `${name} (${new URL(url).host})` }))}
        value={chosen}
        allowDeselect={false}
        onChange={(value) => {
          setChosen(value);
          setCertificate(undefined);
        }}
      />
      {certificate && account && (
        <Stack gap="xs">
          <Text size="sm">
            {new URL(account.url).host} shows this certificate to the appliance. Compare it with the one that
            vCenter has (Administration → Certificates), then trust it.
          </Text>
          <Table withRowBorders={false} verticalSpacing={2}>
            <Table.Tbody>
              {(
                [
                  ['Subject', certificate.subject],
                  ['Issuer', certificate.issuer],
                  ['Valid until', new Date(certificate.validTo).toLocaleDateString()],
                ] as const
              ).map(([label, value]) => (
                <Table.Tr key={label}>
                  <Table.Th fw={500}>{label}</Table.Th>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
                </Table.Tr>
              ))}
              <Table.Tr>
                <Table.Th fw={500}>SHA-256</Table.Th>
                <Table.Td>
                  <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'normal' }}>
                    {certificate.fingerprint}
                  </Code>
                </Table.Td>
              </Table.Tr>
            </Table.Tbody>
          </Table>
        </Stack>
      )}
      {error !== undefined && <ProblemState error={error} />}
      <Group justify="flex-end" gap="xs">
        {onCancel && (
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
        )}
        {certificate ? (
          <Button loading={busy} onClick={() => void add()}>
            Trust it and add the vCenter
          </Button>
        ) : (
          <Button loading={busy} disabled={!account} onClick={() => void look()}>
            Look at its certificate
          </Button>
        )}
      </Group>
    </Stack>
  );
}
