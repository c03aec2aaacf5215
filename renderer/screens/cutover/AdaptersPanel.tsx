import { Anchor, Table, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { CloudNetwork, Workload } from '../../../appliance-agent/src/contract/index.ts';
import { Panel } from '../../components/Panel.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import { useVm } from '../../queries/inventory/useInventory.ts';
import { adapterPlans } from './adapterPlan.ts';
import type { Choices } from './choices.ts';

interface Props {
  readonly applianceId: string;
  readonly workload: Workload;
  readonly choices: Choices;
  readonly networks: readonly CloudNetwork[];
}

/** Where each network adapter of the source goes, with its MAC and address; the settings are where that is chosen. */
export function AdaptersPanel({ applianceId, workload, choices, networks }: Props) {
  const vm = useVm(applianceId, workload.sourceId, workload.instanceUuid);
  const targets = useAgentQuery(applianceId, 'listTargets', {}).data?.data.items;
  const target = targets?.find(({ id }) => id === workload.targetId);
  const adapters = adapterPlans(
    {
      nics: vm?.nics ?? [],
      settings: workload.settings,
      defaultNetwork: target?.config.networkId,
      networks,
    },
    choices,
  );
  return (
    <Panel
      title="Network adapters"
      aside={
        <Anchor component={Link} to={`/workloads/${workload.id}?tab=settings`} size="sm">
          Change in the settings
        </Anchor>
      }
    >
      {adapters.length === 0 ? (
        <Text size="sm" c="dimmed">
          {vm === undefined
            ? 'The adapters of the VM are not known until its vCenter has been read.'
            : 'The VM has none; it gets one on the network of the target.'}
        </Text>
      ) : (
        <Table.ScrollContainer
          minWidth={480}
          scrollAreaProps={{
            offsetScrollbars: 'present',
            tabIndex: 0,
            'aria-label': 'Network adapters on the target',
          }}
        >
          <Table verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Adapter</Table.Th>
                <Table.Th>Network</Table.Th>
                <Table.Th>MAC</Table.Th>
                <Table.Th>Address</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {adapters.map(({ key, label, from, network, mac, address }) => (
                <Table.Tr key={key}>
                  <Table.Td>
                    {label}
                    <Text size="xs" c="dimmed">
                      now {from}
                    </Text>
                  </Table.Td>
                  <Table.Td>{network}</Table.Td>
                  <Table.Td>{mac}</Table.Td>
                  <Table.Td>{address}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}
