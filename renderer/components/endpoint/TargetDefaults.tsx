import { Alert, Button, Group, Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { CloudId, type TargetEndpoint } from '../../../appliance-agent/src/contract/index.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { LoadingScreen } from '../LoadingScreen.tsx';
import { ProblemState } from '../ProblemState.tsx';
import { type ChoiceName, type Choices, missingOf, optionsOf, withObvious } from './targetChoices.ts';

interface Props {
  readonly applianceId: string;
  readonly target: TargetEndpoint;
  readonly submitLabel: string;
  readonly onDone: () => void;
  readonly onCancel?: (() => void) | undefined;
}

const fields: readonly { readonly name: ChoiceName; readonly label: string; readonly description: string }[] =
  [
    {
      name: 'zoneId',
      label: 'Zone',
      description: 'Where volumes and VMs are made; the appliance must be in it',
    },
    {
      name: 'serviceOfferingId',
      label: 'Service offering',
      description: 'CPU and memory of a VM that has no choice of its own',
    },
    {
      name: 'diskOfferingId',
      label: 'Disk offering',
      description: 'Kind of the replica volumes; only those with a size per volume fit',
    },
    { name: 'networkId', label: 'Network', description: 'Of adapters that have no choice of their own' },
    {
      name: 'templateId',
      label: 'Template',
      description: 'Optional: for clouds that cannot deploy from a volume',
    },
  ];

const idOf = (text: string | undefined) => (text === undefined ? undefined : CloudId.parse(text));

/** Where workloads of a cloud go by default, chosen by name out of what the cloud has, and validated together. */
export function TargetDefaults({ applianceId, target, submitLabel, onDone, onCancel }: Props) {
  const discovery = useAgentQuery(
    applianceId,
    'discoverTarget',
    { params: { id: target.id } },
    { staleTime: 60_000 },
  );
  const update = useAgentMutation(applianceId, 'updateTarget', ['listTargets']);
  const [own, setOwn] = useState<Choices>({});
  if (discovery.isPending) return <LoadingScreen />;
  if (discovery.isError)
    return <ProblemState error={discovery.error} onRetry={() => void discovery.refetch()} />;
  const cloud = discovery.data.data;
  const choices = withObvious(cloud, { ...target.config, ...own });
  const options = optionsOf(cloud, choices.zoneId);
  const missing = missingOf(choices);
  const choose = (name: ChoiceName, value: string | null) =>
    // What is taken back stays named, or else the target's choice of before would show through.
    setOwn((before) => ({ ...before, [name]: value ?? undefined }));
  const save = () =>
    update.mutate(
      {
        params: { id: target.id },
        body: {
          config: {
            zoneId: idOf(choices.zoneId),
            serviceOfferingId: idOf(choices.serviceOfferingId),
            diskOfferingId: idOf(choices.diskOfferingId),
            networkId: idOf(choices.networkId),
            templateId: idOf(choices.templateId) ?? null,
          },
        },
      },
      { onSuccess: onDone },
    );
  return (
    <Stack gap="sm">
      {!cloud.applianceVm && (
        <Alert color="orange" variant="light" title="This appliance was not found among the account’s VMs">
          Volumes can be attached only to a VM of the account. Run the agent on one, or use the account that
          owns it.
        </Alert>
      )}
      {fields.map(({ name, label, description }) => (
        <Select
          key={name}
          label={label}
          description={description}
          placeholder={
            options[name].length === 0 ? 'None in this zone' : name === 'templateId' ? 'None' : 'Choose one'
          }
          required={name !== 'templateId'}
          clearable={name === 'templateId'}
          allowDeselect={false}
          searchable
          data={[...options[name]]}
          value={choices[name] ?? null}
          onChange={(value) => choose(name, value)}
        />
      ))}
      {update.error && <ProblemState error={update.error} />}
      <Group justify="flex-end" gap="xs">
        {missing.length > 0 && (
          <Text size="sm" c="dimmed">
            {fields
              .filter(({ name }) => missing.includes(name))
              .map(({ label }) => label)
              .join(', ')}{' '}
            to be chosen
          </Text>
        )}
        {onCancel && (
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
        )}
        <Button disabled={missing.length > 0} loading={update.isPending} onClick={save}>
          {submitLabel}
        </Button>
      </Group>
    </Stack>
  );
}
