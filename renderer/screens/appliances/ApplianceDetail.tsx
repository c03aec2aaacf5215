import { Button, Group, List, Menu, Modal, Stack, Text } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import type { ApplianceProfile, ApplianceStatus } from '../../../electron/ipc/contract.ts';
import { Ago } from '../../components/Ago.tsx';
import { ApplianceForm } from '../../components/appliance/ApplianceForm.tsx';
import { DeploySteps } from '../../components/appliance/DeploySteps.tsx';
import { HostKeyQuestion } from '../../components/appliance/HostKeyQuestion.tsx';
import { useDeployment } from '../../components/appliance/useDeployment.ts';
import { ConfirmByName } from '../../components/ConfirmByName.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { HealthDot } from '../../components/HealthDot.tsx';
import { Page } from '../../components/Page.tsx';
import { Panel } from '../../components/Panel.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useConsoleMutation, useConsoleQuery } from '../../queries/console.ts';
import { isReachable } from '../../queries/readOnly.ts';
import { DoctorPanel } from './DoctorPanel.tsx';
import { LimitsPanel } from './LimitsPanel.tsx';
import { SourcesPanel } from './SourcesPanel.tsx';
import { TargetsPanel } from './TargetsPanel.tsx';

const parent = { title: 'Appliances', path: '/appliances' };

/** All of one appliance: how it is reached, its agent, what it works with, and whether it is well. */
export function ApplianceDetail() {
  const { id = '' } = useParams();
  const profile = useConsoleQuery('profiles.list').data?.find((each) => each.id === id);
  const status = useConsoleQuery('appliances.status').data?.find((each) => each.id === id);
  const [dialog, setDialog] = useState<'edit' | 'remove'>();
  const navigate = useNavigate();
  const connect = useConsoleMutation('appliances.connect', ['appliances.status']);
  const disconnect = useConsoleMutation('appliances.disconnect', ['appliances.status']);
  const update = useConsoleMutation('profiles.update', ['profiles.list']);
  const remove = useConsoleMutation('profiles.delete', ['profiles.list', 'profiles.defaults']);
  const setDefault = useConsoleMutation('profiles.setDefault', ['profiles.defaults']);
  if (profile?.kind !== 'appliance' || !status)
    return (
      <Page title="Appliance" parent={parent}>
        <EmptyState title="There is no such appliance">
          It may have been removed from this console.
        </EmptyState>
      </Page>
    );
  const connected = isReachable(status);
  const close = () => setDialog(undefined);
  return (
    <Page
      title={profile.name}
      parent={parent}
      actions={
        <>
          {status.state === 'disconnected' ||
          status.state === 'needs-attention' ||
          status.state === 'offline' ? (
            <Button
              size="xs"
              loading={connect.isPending}
              onClick={() => connect.mutate({ id }, { onError: tellProblem })}
            >
              Connect
            </Button>
          ) : (
            <Button
              size="xs"
              variant="default"
              onClick={() => disconnect.mutate({ id }, { onError: tellProblem })}
            >
              Disconnect
            </Button>
          )}
          <Menu position="bottom-end">
            <Menu.Target>
              <Button size="xs" variant="default" rightSection={<IconChevronDown size={16} aria-hidden />}>
                More
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setDialog('edit')}>Edit …</Menu.Item>
              <Menu.Item onClick={() => setDefault.mutate({ id }, { onError: tellProblem })}>
                Make it the default
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" onClick={() => setDialog('remove')}>
                Remove from this console …
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      <HostKeyQuestion status={status} />
      <ConnectionPanel profile={profile} status={status} />
      <AgentPanel profile={profile} status={status} />
      <SourcesPanel applianceId={id} />
      <TargetsPanel applianceId={id} />
      <LimitsPanel applianceId={id} />
      {connected && <DoctorPanel applianceId={id} />}
      <Modal
        opened={dialog === 'edit'}
        onClose={close}
        closeButtonProps={{ 'aria-label': 'Close' }}
        title={`Edit ${profile.name}`}
        size="lg"
      >
        <ApplianceForm
          appliance={profile}
          busy={update.isPending}
          error={update.error}
          submitLabel="Save"
          onSubmit={(given, secrets) => update.mutate({ id, profile: given, secrets }, { onSuccess: close })}
          onCancel={close}
        />
      </Modal>
      <ConfirmByName
        opened={dialog === 'remove'}
        onClose={close}
        title={`Remove ${profile.name}`}
        name={profile.name}
        confirmLabel="Remove appliance"
        busy={remove.isPending}
        onConfirm={() =>
          remove.mutate({ id }, { onSuccess: () => void navigate('/appliances'), onError: tellProblem })
        }
      >
        This console forgets how to reach it, and its token. The appliance itself and its replications go on.
      </ConfirmByName>
    </Page>
  );
}

function ConnectionPanel({
  profile,
  status,
}: {
  readonly profile: ApplianceProfile;
  readonly status: ApplianceStatus;
}) {
  return (
    <Panel title="Connection" aside={<HealthDot status={status} />}>
      <List size="sm" listStyleType="none" spacing={4}>
        <List.Item>
          {profile.username}@{profile.host}:{profile.port}
          {profile.jumpHosts.length > 0 && `, through ${profile.jumpHosts.join(', ')}`}
        </List.Item>
        <List.Item style={{ overflowWrap: 'anywhere' }}>
          {profile.hostKey === undefined
            ? 'No host key is trusted yet'
            : `Trusted host key ${profile.hostKey}`}
        </List.Item>
        {status.state !== 'online' && status.lastSeen !== undefined && (
          <List.Item>
            Last answer <Ago at={status.lastSeen} />
          </List.Item>
        )}
        {status.problem && !status.hostKeyQuestion && (
          <List.Item>
            <Text size="sm" c="red" component="span">
              {status.problem.detail}
            </Text>{' '}
            {status.problem.remedy}
          </List.Item>
        )}
      </List>
    </Panel>
  );
}

function AgentPanel({
  profile,
  status,
}: {
  readonly profile: ApplianceProfile;
  readonly status: ApplianceStatus;
}) {
  const version = useConsoleQuery('app.info').data?.version;
  const deploy = useConsoleMutation('appliances.deploy');
  const cancel = useConsoleMutation('appliances.cancelDeploy');
  const { steps, state } = useDeployment(profile.id);
  const outdated =
    status.agentVersion !== undefined && version !== undefined && status.agentVersion !== version;
  const trusted = profile.hostKey !== undefined;
  return (
    <Panel
      title="Agent"
      aside={
        <Group gap="xs">
          {state === 'running' && (
            <Button size="xs" variant="default" onClick={() => cancel.mutate({ id: profile.id })}>
              Stop
            </Button>
          )}
          <Button
            size="xs"
            variant={outdated ? 'filled' : 'default'}
            disabled={!trusted}
            title={trusted ? undefined : 'Trust the host key first'}
            loading={state === 'running'}
            onClick={() => deploy.mutate({ id: profile.id }, { onError: tellProblem })}
          >
            {status.agentVersion === undefined
              ? 'Install'
              : outdated
                ? `Upgrade to ${version}`
                : 'Install again'}
          </Button>
        </Group>
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          {status.agentVersion === undefined
            ? 'Its version is not known.'
            : `Version ${status.agentVersion}; this console is ${version ?? ''}.`}{' '}
          {outdated && 'Jobs go on where they are after an upgrade.'}
        </Text>
        {state !== 'idle' && <DeploySteps steps={steps} />}
      </Stack>
    </Panel>
  );
}
