import { Button, Group, Select, Stack } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { TargetEndpoint } from '../../../appliance-agent/src/contract/index.ts';
import type { CloudStackProfile } from '../../../electron/ipc/contract.ts';
import { agentKey, callAgent } from '../../queries/agent.ts';
import { useConsoleMutation } from '../../queries/console.ts';
import { ProblemState } from '../ProblemState.tsx';

interface Props {
  readonly applianceId: string;
  readonly accounts: readonly CloudStackProfile[];
  /** Chosen from the start. */
  readonly accountId?: string | undefined;
  readonly onDone: (target: TargetEndpoint) => void;
  readonly onCancel?: (() => void) | undefined;
}

/** Gives an appliance a cloud: the account is lent, and tried at once. */
export function AddTarget({ applianceId, accounts, accountId, onDone, onCancel }: Props) {
  const client = useQueryClient();
  const lend = useConsoleMutation('leases.lend');
  const [chosen, setChosen] = useState(accountId ?? accounts[0]?.id ?? null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const account = accounts.find(({ id }) => id === chosen);

  const add = async () => {
    if (!account) return;
    setBusy(true);
    setError(undefined);
    try {
      const { name, url, fingerprint } = account;
      const body = { name, url, ...(fingerprint !== undefined && { fingerprint }) };
      const { data: target } = await callAgent(applianceId, 'createTarget', { body });
      await lend.mutateAsync({
        applianceId,
        profileId: account.id,
        endpointKind: 'target',
        endpointId: target.id,
      });
      await client.invalidateQueries({ queryKey: agentKey(applianceId, 'listTargets') });
      await callAgent(applianceId, 'testTarget', { params: { id: target.id } });
      onDone(target);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Stack gap="sm">
      <Select
        label="CloudStack account"
        data={accounts.map(({ id, name, url }) => ({ value: id, label: `${name} (${new URL(url).host})` }))}
        value={chosen}
        allowDeselect={false}
        onChange={setChosen}
      />
      {error !== undefined && <ProblemState error={error} />}
      <Group justify="flex-end" gap="xs">
        {onCancel && (
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
        )}
        <Button loading={busy} disabled={!account} onClick={() => void add()}>
          Add the cloud
        </Button>
      </Group>
    </Stack>
  );
}
