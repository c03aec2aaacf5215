import { Button, Group, NativeSelect, Progress, Stack, Text, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import type {
  CloudDiscovery,
  TargetEndpoint,
  VirtualMachine,
} from '../../../appliance-agent/src/contract/index.ts';
import { type DataColumn, DataTable } from '../../components/DataTable.tsx';
import { formatBytes } from '../../components/format.ts';
import { SeverityBadge } from '../../components/SeverityBadge.tsx';
import { AdditionResults } from './AdditionResults.tsx';
import { CommonChoicesForm, chosenId } from './CommonChoicesForm.tsx';
import { MappingDetail } from './MappingDetail.tsx';
import { asSuggested, mappingOf, type OwnChoices, type VmMapping, withNameClashes } from './mapping.ts';
import { offeredIn } from './suggestions.ts';
import { useAddition } from './useAddition.ts';

interface Props {
  readonly applianceId: string | undefined;
  readonly sourceId: string;
  readonly vms: readonly VirtualMachine[];
  readonly target: TargetEndpoint;
  readonly discovery: CloudDiscovery;
  /** `added`: the VMs were sent, and the selection has done its work. */
  readonly onClose: (added: boolean) => void;
}

const nothingChosen: OwnChoices = {};
const mappingId = ({ vm }: VmMapping) => vm.moRef;

function StateCell({ mapping: { problems, remarks } }: { readonly mapping: VmMapping }) {
  const [first] = [...problems, ...remarks];
  if (first === undefined) return <span>Ready to add</span>;
  const whole = [...problems, ...remarks].join('\n');
  return (
    <Group gap={6} wrap="nowrap" title={whole}>
      <SeverityBadge
        severity={problems.length > 0 ? 'critical' : 'warning'}
        text={problems.length > 0 ? 'Fix' : 'Look'}
      />
      {first}
    </Group>
  );
}

/** What each VM will be on the target: suggested, then as the engineer wants it; nothing happens before *Add*. */
export function MappingSheet({ applianceId, sourceId, vms, target, discovery, onClose }: Props) {
  const [common, setCommon] = useState(asSuggested);
  const [own, setOwn] = useState<Readonly<Record<string, OwnChoices>>>({});
  const { addition, add } = useAddition(applianceId);
  const offered = useMemo(() => offeredIn(discovery, target.config.zoneId), [discovery, target]);
  const mappings = useMemo(
    () =>
      withNameClashes(
        vms.map((vm) => mappingOf(vm, common, own[vm.moRef] ?? nothingChosen, offered, target.config)),
      ),
    [vms, common, own, offered, target],
  );
  const broken = mappings.filter(({ problems }) => problems.length > 0).length;

  const columns = useMemo<readonly DataColumn<VmMapping>[]>(() => {
    const change = (id: string, choices: OwnChoices) =>
      setOwn((all) => ({ ...all, [id]: { ...all[id], ...choices } }));
    const offerings = offered.serviceOfferings.map(({ id, name }) => ({ value: id, label: name }));
    return [
      { id: 'name', header: 'VM', width: 170, grow: true, always: true, value: ({ vm }) => vm.name },
      {
        id: 'size',
        header: 'CPUs, memory, disks',
        width: 220,
        value: ({ vm }) => vm.memoryBytes,
        cell: ({ vm }) =>
          `${vm.cpuCount} · ${formatBytes(vm.memoryBytes)} · ${formatBytes(vm.disks.reduce((sum, disk) => sum + disk.capacityBytes, 0))}`,
      },
      {
        id: 'target',
        header: 'Target name',
        width: 180,
        cell: ({ vm, targetName }) => (
          <TextInput
            size="xs"
            aria-label={`Target name of ${vm.name}`}
            value={targetName}
            maxLength={63}
            onChange={(event) => change(vm.moRef, { targetName: event.currentTarget.value })}
          />
        ),
      },
      {
        id: 'offering',
        header: 'Compute offering',
        width: 200,
        cell: ({ vm, serviceOfferingId }) => (
          <NativeSelect
            size="xs"
            aria-label={`Compute offering of ${vm.name}`}
            data={[{ value: '', label: 'Choose', disabled: true }, ...offerings]}
            value={serviceOfferingId ?? ''}
            onChange={(event) => {
              const id = chosenId(event.currentTarget.value);
              if (id !== undefined) change(vm.moRef, { serviceOfferingId: id });
            }}
          />
        ),
      },
      {
        id: 'state',
        header: 'State',
        width: 260,
        value: ({ problems, remarks }) => problems.length * 100 + remarks.length,
        cell: (mapping) => <StateCell mapping={mapping} />,
      },
    ];
  }, [offered]);

  if (addition && !addition.running)
    return <AdditionResults results={addition.results} onClose={() => onClose(true)} />;
  return (
    <Stack gap="md" style={{ flex: 1, minHeight: 0 }}>
      <CommonChoicesForm vms={vms} offered={offered} common={common} onChange={setCommon} />
      <DataTable
        name="mapping"
        label="VMs to add"
        rows={mappings}
        columns={columns}
        rowId={mappingId}
        renderDetail={(mapping) => (
          <MappingDetail
            mapping={mapping}
            own={own[mapping.vm.moRef] ?? nothingChosen}
            offered={offered}
            onChange={(choices) => setOwn((all) => ({ ...all, [mapping.vm.moRef]: choices }))}
          />
        )}
        toolbar={
          <Text size="sm" c="dimmed">
            Expand a VM to choose its networks and disk offerings one by one.
          </Text>
        }
        empty="No VM is chosen."
      />
      {addition && (
        <Progress
          value={(addition.done / Math.max(1, addition.total)) * 100}
          aria-label={`${addition.done} of ${addition.total} VMs added`}
        />
      )}
      <Group justify="space-between">
        <Text size="sm" role="status">
          {broken > 0 && `${broken} of ${mappings.length} VMs cannot be added yet: see their state.`}
        </Text>
        <Group gap="xs">
          <Button variant="default" onClick={() => onClose(false)} disabled={addition?.running === true}>
            Cancel
          </Button>
          <Button
            disabled={broken > 0}
            loading={addition?.running === true}
            onClick={() => void add(mappings, sourceId, target.id)}
          >
            Add {mappings.length} {mappings.length === 1 ? 'VM' : 'VMs'} to management
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}
