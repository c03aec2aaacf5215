import { Group, Stack, Table, Text, Title } from '@mantine/core';
import type { VirtualDisk, VirtualMachine } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes } from '../../components/format.ts';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import type { InventoryIndex } from '../../queries/inventory/inventoryIndex.ts';
import { useVms } from '../../queries/inventory/useInventory.ts';
import type { VmRow } from './vmRow.ts';

function diskKind(disk: VirtualDisk): string {
  const kind = disk.rdm === 'none' ? (disk.thin ? 'Thin' : 'Thick') : `RDM, ${disk.rdm}`;
  return [kind, disk.mode.replace('_', ' '), ...(disk.shared ? ['shared'] : [])].join(', ');
}

const whole = { whiteSpace: 'nowrap' } as const;

function Fact({ label, value }: { readonly label: string; readonly value: string | undefined }) {
  if (!value) return null;
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="sm" style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
        {value}
      </Text>
    </div>
  );
}

/** Disks, NICs and what else is known of a VM, below its row. */
export function VmDetail({ index, row }: { readonly index: InventoryIndex; readonly row: VmRow }) {
  const vms = useVms(index, [row]);
  const vm = vms.data?.find(({ moRef }) => moRef === row.id);
  if (vms.isError) return <ProblemState error={vms.error} onRetry={() => void vms.refetch()} />;
  if (!vm) return <LoadingScreen />;
  return <Devices vm={vm} row={row} />;
}

function Devices({ vm, row }: { readonly vm: VirtualMachine; readonly row: VmRow }) {
  return (
    <Stack gap="sm" p="md" maw={900}>
      <Group gap="xl" align="flex-start">
        <Fact label="Path" value={vm.path} />
        <Fact label="Guest host name" value={vm.guestHostName} />
        <Fact label="Host" value={row.place.hostName} />
        <Fact
          label="Firmware"
          value={`${vm.firmware.toUpperCase()}${vm.secureBoot ? ', Secure Boot' : ''}`}
        />
        <Fact label="Hardware" value={`Version ${vm.hardwareVersion}`} />
        <Fact label="Instance UUID" value={vm.instanceUuid} />
        <Fact label="Notes" value={vm.annotation} />
      </Group>
      <Title order={2} size="h6">
        Disks
      </Title>
      <Table withRowBorders={false} verticalSpacing={2} layout="auto">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Disk</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
            <Table.Th>Kind</Table.Th>
            <Table.Th>Controller</Table.Th>
            <Table.Th>File</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {vm.disks.map((disk) => (
            <Table.Tr key={disk.key}>
              <Table.Td style={whole}>{disk.label}</Table.Td>
              <Table.Td ta="right" style={whole}>
                {formatBytes(disk.capacityBytes)}
              </Table.Td>
              <Table.Td>{diskKind(disk)}</Table.Td>
              <Table.Td>{`${disk.controllerKind} ${disk.controllerBus}:${disk.unitNumber}`}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere', whiteSpace: 'normal' }}>{disk.fileName}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Title order={2} size="h6">
        Network adapters
      </Title>
      <Table withRowBorders={false} verticalSpacing={2}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Adapter</Table.Th>
            <Table.Th>Kind</Table.Th>
            <Table.Th>Network</Table.Th>
            <Table.Th>MAC</Table.Th>
            <Table.Th>IP addresses</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {vm.nics.map((nic) => (
            <Table.Tr key={nic.key}>
              <Table.Td style={whole}>{nic.label}</Table.Td>
              <Table.Td>{nic.adapter}</Table.Td>
              <Table.Td>
                {nic.networkName ?? 'None'}
                {nic.connected ? '' : ' (disconnected)'}
              </Table.Td>
              <Table.Td ff="monospace">{nic.mac}</Table.Td>
              <Table.Td>{nic.ipAddresses.join(', ') || 'Not known'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
