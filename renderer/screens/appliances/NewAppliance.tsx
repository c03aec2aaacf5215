import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { NewProfile, ProfileSecrets } from '../../../electron/ipc/contract.ts';
import { ApplianceForm } from '../../components/appliance/ApplianceForm.tsx';
import { DeploySteps } from '../../components/appliance/DeploySteps.tsx';
import { HostKeyQuestion } from '../../components/appliance/HostKeyQuestion.tsx';
import { useDeployment } from '../../components/appliance/useDeployment.ts';
import { HealthDot } from '../../components/HealthDot.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useConsoleMutation, useConsoleQuery } from '../../queries/console.ts';
import { isReachable } from '../../queries/readOnly.ts';
import { useApplianceChoice } from '../../stores/appliance.ts';

interface Props {
  /** The appliance is reached. */
  readonly onDone: (applianceId: string) => void;
  readonly onCancel?: (() => void) | undefined;
}

type Way = 'connect' | 'deploy';

/** Connects an appliance, or makes one of a bare VM, up to the moment when its agent answers. */
export function NewAppliance({ onDone, onCancel }: Props) {
  const [way, setWay] = useState<Way>('connect');
  const [id, setId] = useState<string>();
  const profile = useConsoleQuery('profiles.list').data?.find((each) => each.id === id);
  const status = useConsoleQuery('appliances.status').data?.find((each) => each.id === id);
  const choose = useApplianceChoice((state) => state.choose);
  const create = useConsoleMutation('profiles.create', [
    'profiles.list',
    'profiles.defaults',
    'appliances.status',
  ]);
  const update = useConsoleMutation('profiles.update', ['profiles.list', 'appliances.status']);
  const connect = useConsoleMutation('appliances.connect', ['appliances.status']);
  const deploy = useConsoleMutation('appliances.deploy');
  const cancel = useConsoleMutation('appliances.cancelDeploy');
  const { steps, state } = useDeployment(id);
  const [editing, setEditing] = useState(true);
  const trusted = profile?.kind === 'appliance' && profile.hostKey !== undefined;
  const online = isReachable(status);
  const reached = online && (way === 'connect' || state === 'done');

  const submit = async (given: NewProfile, secrets: ProfileSecrets) => {
    const kept =
      id === undefined
        ? await create.mutateAsync({ profile: given, secrets })
        : (await update.mutateAsync({ id, profile: given, secrets })).profile;
    setId(kept.id);
    setEditing(false);
    // Also before an installation: the host key is looked at first, and trusted by a person.
    await connect.mutateAsync({ id: kept.id });
  };
  useEffect(() => {
    if (reached && id !== undefined) choose(id);
  }, [reached, id, choose]);

  if (editing || id === undefined) {
    return (
      <Stack gap="md">
        <SegmentedControl
          fullWidth
          aria-label="What is there already"
          value={way}
          onChange={setWay}
          data={[
            { value: 'connect', label: 'The agent runs there already' },
            { value: 'deploy', label: 'Install it on a bare VM' },
          ]}
        />
        <Text size="sm" c="dimmed">
          {way === 'connect'
            ? 'The console reaches the agent’s socket through SSH; no other port is needed.'
            : 'A Debian 12 VM (or later) in the target zone with 2 cores, 4 GiB and a 20 GiB disk. The agent is uploaded, installed and started there; the VM needs no way to the internet.'}
        </Text>
        <ApplianceForm
          key={way}
          appliance={profile?.kind === 'appliance' ? profile : undefined}
          bare={way === 'deploy'}
          busy={create.isPending || update.isPending}
          error={create.error ?? update.error}
          submitLabel="Continue"
          // What went wrong is shown by the form.
          onSubmit={(given, secrets) => void submit(given, secrets).catch(() => undefined)}
          onCancel={onCancel}
        />
      </Stack>
    );
  }
  return (
    <Stack gap="md">
      {status && (
        <Group justify="space-between">
          <Text fw={500}>{profile?.name}</Text>
          <HealthDot status={status} />
        </Group>
      )}
      {status && <HostKeyQuestion status={status} />}
      {way === 'deploy' && trusted && <DeploySteps steps={steps} />}
      {deploy.error && <ProblemState error={deploy.error} />}
      {way === 'connect' && status?.problem && !status.hostKeyQuestion && (
        <Text size="sm" role="status">
          {status.problem.detail} {status.problem.remedy}
        </Text>
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" disabled={state === 'running'} onClick={() => setEditing(true)}>
          Back
        </Button>
        {way === 'deploy' && trusted && state !== 'done' && (
          <>
            {state === 'running' && (
              <Button variant="default" onClick={() => cancel.mutate({ id })}>
                Stop
              </Button>
            )}
            <Button loading={state === 'running'} onClick={() => deploy.mutate({ id })}>
              {state === 'failed' ? 'Try again' : 'Install the agent'}
            </Button>
          </>
        )}
        {(way === 'connect' || state === 'done') && (
          <Button disabled={!reached} onClick={() => onDone(id)}>
            Done
          </Button>
        )}
      </Group>
    </Stack>
  );
}
