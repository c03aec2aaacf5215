import { Checkbox, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { formatBytes } from '../../components/format.ts';
import { chosenId } from './CommonChoicesForm.tsx';
import { type OwnChoices, sourceNetworkOf, type VmMapping } from './mapping.ts';
import type { Offered } from './suggestions.ts';

interface Props {
  readonly mapping: VmMapping;
  readonly own: OwnChoices;
  readonly offered: Offered;
  readonly onChange: (own: OwnChoices) => void;
}

const options = (list: readonly { readonly id: string; readonly name: string }[]) => [
  { value: '', label: 'Choose', disabled: true },
  ...list.map(({ id, name }) => ({ value: id, label: name })),
];

/** A network per NIC and an offering per disk, for one VM. */
export function MappingDetail({ mapping, own, offered, onChange }: Props) {
  const { vm } = mapping;
  const changeNic = (
    key: number,
    change: { networkId?: NonNullable<ReturnType<typeof chosenId>>; keepMac?: boolean },
  ) => onChange({ ...own, nics: { ...own.nics, [key]: { ...own.nics?.[key], ...change } } });
  return (
    <Group align="flex-start" gap="xl" p="md">
      <Stack gap="xs">
        {vm.nics.map((nic) => {
          const chosen = mapping.nics.find(({ key }) => key === nic.key);
          return (
            <Group key={nic.key} gap="sm" align="flex-end">
              <NativeSelect
                size="xs"
                w={220}
                label={`${nic.label}, now on ${sourceNetworkOf(nic)}`}
                data={options(offered.networks)}
                value={chosen?.networkId ?? ''}
                onChange={(event) => {
                  const networkId = chosenId(event.currentTarget.value);
                  if (networkId !== undefined) changeNic(nic.key, { networkId });
                }}
              />
              <Checkbox
                size="xs"
                mb={7}
                label={`Keep MAC ${nic.mac}`}
                checked={chosen?.keepMac ?? true}
                onChange={(event) => changeNic(nic.key, { keepMac: event.currentTarget.checked })}
              />
            </Group>
          );
        })}
        {vm.nics.length === 0 && <Text size="sm">No network adapter</Text>}
      </Stack>
      <Stack gap="xs">
        {vm.disks.map((disk) => (
          <NativeSelect
            key={disk.key}
            size="xs"
            w={240}
            label={`${disk.label}, ${formatBytes(disk.capacityBytes)}`}
            data={options(offered.diskOfferings)}
            value={mapping.disks.find(({ key }) => key === disk.key)?.diskOfferingId ?? ''}
            onChange={(event) => {
              const id = chosenId(event.currentTarget.value);
              if (id !== undefined) onChange({ ...own, disks: { ...own.disks, [disk.key]: id } });
            }}
          />
        ))}
      </Stack>
      {[...mapping.problems, ...mapping.remarks].length > 0 && (
        <Stack gap={4}>
          {mapping.problems.map((problem) => (
            <Text key={problem} size="sm" fw={600}>
              {problem}
            </Text>
          ))}
          {mapping.remarks.map((remark) => (
            <Text key={remark} size="sm">
              {remark}
            </Text>
          ))}
        </Stack>
      )}
    </Group>
  );
}
