import { Group, NativeSelect, Switch } from '@mantine/core';
import { CloudId, type VirtualMachine } from '../../../appliance-agent/src/contract/index.ts';
import { type CommonChoices, sourceNetworkOf } from './mapping.ts';
import type { Offered } from './suggestions.ts';

interface Props {
  readonly vms: readonly VirtualMachine[];
  readonly offered: Offered;
  readonly common: CommonChoices;
  readonly onChange: (common: CommonChoices) => void;
}

/** An option's value as the id that it is; the empty one means "as suggested". */
export function chosenId(value: string): CloudId | undefined {
  return value === '' ? undefined : CloudId.parse(value);
}

const suggestedFirst = (label: string, list: readonly { readonly id: CloudId; readonly name: string }[]) => [
  { value: '', label },
  ...list.map(({ id, name }) => ({ value: id, label: name })),
];

/** How many NICs of the selection are on each source network. */
function sourceNetworks(vms: readonly VirtualMachine[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { nics } of vms)
    for (const nic of nics) {
      const name = sourceNetworkOf(nic);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  return [...counts].toSorted((a, b) => b[1] - a[1]);
}

/** What holds for all VMs of the sheet: offerings, a target network per source network, and the MACs. */
export function CommonChoicesForm({ vms, offered, common, onChange }: Props) {
  return (
    <Group gap="md" align="flex-end" component="fieldset" bd={0} p={0} m={0}>
      <NativeSelect
        size="xs"
        w={262}
        label="Compute offering, all VMs"
        data={suggestedFirst('Suggested from CPU and memory', offered.serviceOfferings)}
        value={common.serviceOfferingId ?? ''}
        onChange={(event) => onChange({ ...common, serviceOfferingId: chosenId(event.currentTarget.value) })}
      />
      <NativeSelect
        size="xs"
        w={210}
        label="Disk offering, all disks"
        data={suggestedFirst('Suggested per disk', offered.diskOfferings)}
        value={common.diskOfferingId ?? ''}
        onChange={(event) => onChange({ ...common, diskOfferingId: chosenId(event.currentTarget.value) })}
      />
      {sourceNetworks(vms).map(([name, count]) => (
        <NativeSelect
          key={name}
          size="xs"
          w={200}
          label={`${name} (${count} ${count === 1 ? 'NIC' : 'NICs'})`}
          data={suggestedFirst('Suggested by name', offered.networks)}
          value={common.networks[name] ?? ''}
          onChange={(event) => {
            const { [name]: _, ...others } = common.networks;
            const id = chosenId(event.currentTarget.value);
            onChange({ ...common, networks: id === undefined ? others : { ...others, [name]: id } });
          }}
        />
      ))}
      <Switch
        label="Keep MAC addresses"
        mb={5}
        checked={common.keepMac}
        onChange={(event) => onChange({ ...common, keepMac: event.currentTarget.checked })}
      />
    </Group>
  );
}
