import { Anchor, Button, Modal, Table, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import type { TargetEndpoint } from '../../../appliance-agent/src/contract/index.ts';
import { ConfirmByName } from '../../components/ConfirmByName.tsx';
import { AddTarget } from '../../components/endpoint/AddTarget.tsx';
import { TargetDefaults } from '../../components/endpoint/TargetDefaults.tsx';
import { TestOutcome } from '../../components/endpoint/TestOutcome.tsx';
import { missingOf } from '../../components/endpoint/targetChoices.ts';
import { Panel } from '../../components/Panel.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { useConsoleQuery } from '../../queries/console.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';
import { EndpointActions } from './EndpointActions.tsx';
import { LeaseText } from './LeaseText.tsx';

/** The clouds that an appliance writes to, and where workloads go in them by default. */
export function TargetsPanel({ applianceId }: { readonly applianceId: string }) {
  const [adding, setAdding] = useState(false);
  const targets = useAgentQuery(applianceId, 'listTargets', {}).data?.data.items ?? [];
  const profiles = useConsoleQuery('profiles.list').data ?? [];
  const accounts = profiles.filter((profile) => profile.kind === 'cloudstack');
  const readOnly = useReadOnly(applianceId);
  return (
    <Panel
      title="Clouds"
      aside={
        <Button
          size="xs"
          leftSection={<IconPlus size={16} aria-hidden />}
          disabled={readOnly !== undefined || accounts.length === 0}
          title={readOnly}
          onClick={() => setAdding(true)}
        >
          Add a cloud
        </Button>
      }
    >
      {accounts.length === 0 && (
        <Text size="sm">
          There is no CloudStack account yet.{' '}
          <Anchor component={Link} to="/credentials?new=cloudstack" size="sm" inherit>
            Add one
          </Anchor>{' '}
          first; it needs no connection.
        </Text>
      )}
      {targets.length > 0 && (
        <Table verticalSpacing="xs" aria-label="Clouds">
          <Table.Tbody>
            {targets.map((target) => (
              <TargetRow key={target.id} applianceId={applianceId} target={target} readOnly={readOnly} />
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Modal
        opened={adding}
        onClose={() => setAdding(false)}
        closeButtonProps={{ 'aria-label': 'Close' }}
        title="Add a cloud"
      >
        <AddTarget
          applianceId={applianceId}
          accounts={accounts}
          onDone={() => setAdding(false)}
          onCancel={() => setAdding(false)}
        />
      </Modal>
    </Panel>
  );
}

function TargetRow({
  applianceId,
  target,
  readOnly,
}: {
  readonly applianceId: string;
  readonly target: TargetEndpoint;
  readonly readOnly: string | undefined;
}) {
  const [dialog, setDialog] = useState<'defaults' | 'remove'>();
  const accounts = (useConsoleQuery('profiles.list').data ?? []).filter(({ kind }) => kind === 'cloudstack');
  const test = useAgentMutation(applianceId, 'testTarget');
  const remove = useAgentMutation(applianceId, 'deleteTarget', ['listTargets']);
  const params = { params: { id: target.id } };
  const close = () => setDialog(undefined);
  const incomplete = missingOf(target.config).length > 0;
  return (
    <>
      <Table.Tr>
        <Table.Td style={{ overflowWrap: 'anywhere' }}>
          <Text size="sm" fw={500}>
            {target.name}
          </Text>
          <Text size="sm" c="dimmed">
            {target.url}
          </Text>
        </Table.Td>
        <Table.Td>
          <LeaseText lease={target.lease} />
        </Table.Td>
        <Table.Td>
          <Button
            size="compact-sm"
            variant={incomplete ? 'filled' : 'default'}
            disabled={readOnly !== undefined}
            title={readOnly}
            onClick={() => setDialog('defaults')}
          >
            {incomplete ? 'Choose its defaults' : 'Defaults'}
          </Button>
        </Table.Td>
        <Table.Td>
          <EndpointActions
            applianceId={applianceId}
            kind="target"
            endpoint={target}
            accounts={accounts}
            readOnly={readOnly}
            testing={test.isPending}
            onTest={() => test.mutate(params)}
            onRemove={() => setDialog('remove')}
          />
        </Table.Td>
      </Table.Tr>
      {(test.isSuccess || test.isError) && (
        <Table.Tr>
          <Table.Td colSpan={4}>
            <TestOutcome
              name={target.name}
              result={test.data?.data}
              error={test.error}
              onClose={test.reset}
            />
          </Table.Td>
        </Table.Tr>
      )}
      <Modal
        opened={dialog === 'defaults'}
        onClose={close}
        closeButtonProps={{ 'aria-label': 'Close' }}
        title={`Defaults of ${target.name}`}
      >
        <TargetDefaults
          applianceId={applianceId}
          target={target}
          submitLabel="Save defaults"
          onDone={close}
          onCancel={close}
        />
      </Modal>
      <ConfirmByName
        opened={dialog === 'remove'}
        onClose={close}
        title={`Remove ${target.name}`}
        name={target.name}
        confirmLabel="Remove cloud"
        busy={remove.isPending}
        onConfirm={() => remove.mutate(params, { onSuccess: close, onError: tellProblem })}
      >
        The appliance forgets this cloud and its credentials. Workloads that go to it must be removed first.
        Nothing changes in the cloud.
      </ConfirmByName>
    </>
  );
}
