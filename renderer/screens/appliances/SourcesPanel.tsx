import { Anchor, Button, Modal, Table, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import type { SourceEndpoint } from '../../../appliance-agent/src/contract/index.ts';
import { ConfirmByName } from '../../components/ConfirmByName.tsx';
import { AddSource } from '../../components/endpoint/AddSource.tsx';
import { TestOutcome } from '../../components/endpoint/TestOutcome.tsx';
import { Panel } from '../../components/Panel.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { useConsoleQuery } from '../../queries/console.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';
import { EndpointActions } from './EndpointActions.tsx';
import { LeaseText } from './LeaseText.tsx';

/** The vCenters that an appliance reads from. */
export function SourcesPanel({ applianceId }: { readonly applianceId: string }) {
  const [adding, setAdding] = useState(false);
  const sources = useAgentQuery(applianceId, 'listSources', {}).data?.data.items ?? [];
  const profiles = useConsoleQuery('profiles.list').data ?? [];
  const accounts = profiles.filter((profile) => profile.kind === 'vcenter');
  const readOnly = useReadOnly(applianceId);
  return (
    <Panel
      title="vCenters"
      aside={
        <Button
          size="xs"
          leftSection={<IconPlus size={16} aria-hidden />}
          disabled={readOnly !== undefined || accounts.length === 0}
          title={readOnly}
          onClick={() => setAdding(true)}
        >
          Add a vCenter
        </Button>
      }
    >
      {accounts.length === 0 && (
        <Text size="sm">
          There is no vCenter account yet.{' '}
          <Anchor component={Link} to="/credentials?new=vcenter" size="sm" inherit>
            Add one
          </Anchor>{' '}
          first; it needs no connection.
        </Text>
      )}
      {sources.length > 0 && (
        <Table verticalSpacing="xs" aria-label="vCenters">
          <Table.Tbody>
            {sources.map((source) => (
              <SourceRow key={source.id} applianceId={applianceId} source={source} readOnly={readOnly} />
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Modal
        opened={adding}
        onClose={() => setAdding(false)}
        closeButtonProps={{ 'aria-label': 'Close' }}
        title="Add a vCenter"
        size="lg"
      >
        <AddSource
          applianceId={applianceId}
          accounts={accounts}
          onDone={() => setAdding(false)}
          onCancel={() => setAdding(false)}
        />
      </Modal>
    </Panel>
  );
}

function SourceRow({
  applianceId,
  source,
  readOnly,
}: {
  readonly applianceId: string;
  readonly source: SourceEndpoint;
  readonly readOnly: string | undefined;
}) {
  const [removing, setRemoving] = useState(false);
  const accounts = (useConsoleQuery('profiles.list').data ?? []).filter(({ kind }) => kind === 'vcenter');
  const test = useAgentMutation(applianceId, 'testSource');
  const remove = useAgentMutation(applianceId, 'deleteSource', ['listSources']);
  const params = { params: { id: source.id } };
  return (
    <>
      <Table.Tr>
        <Table.Td style={{ overflowWrap: 'anywhere' }}>
          <Text size="sm" fw={500}>
            {source.name}
          </Text>
          <Text size="sm" c="dimmed">
            {source.url}
          </Text>
        </Table.Td>
        <Table.Td>
          <LeaseText lease={source.lease} />
        </Table.Td>
        <Table.Td>
          <EndpointActions
            applianceId={applianceId}
            kind="source"
            endpoint={source}
            accounts={accounts}
            readOnly={readOnly}
            testing={test.isPending}
            onTest={() => test.mutate(params)}
            onRemove={() => setRemoving(true)}
          />
        </Table.Td>
      </Table.Tr>
      {(test.isSuccess || test.isError) && (
        <Table.Tr>
          <Table.Td colSpan={3}>
            <TestOutcome
              name={source.name}
              result={test.data?.data}
              error={test.error}
              onClose={test.reset}
            />
          </Table.Td>
        </Table.Tr>
      )}
      <ConfirmByName
        opened={removing}
        onClose={() => setRemoving(false)}
        title={`Remove ${source.name}`}
        name={source.name}
        confirmLabel="Remove vCenter"
        busy={remove.isPending}
        onConfirm={() => remove.mutate(params, { onSuccess: () => setRemoving(false), onError: tellProblem })}
      >
        The appliance forgets this vCenter and its credentials. Workloads of it must be removed first. Nothing
        changes in vCenter.
      </ConfirmByName>
    </>
  );
}
