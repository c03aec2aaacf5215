import { Anchor, Button, Modal, Table } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, Route, Routes, useSearchParams } from 'react-router';
import { EmptyState } from '../../components/EmptyState.tsx';
import { HealthDot } from '../../components/HealthDot.tsx';
import { Page } from '../../components/Page.tsx';
import { useConsoleQuery } from '../../queries/console.ts';
import { ApplianceDetail } from './ApplianceDetail.tsx';
import { NewAppliance } from './NewAppliance.tsx';

/** The appliances that this console knows, and each one's own page. */
export default function AppliancesScreen() {
  return (
    <Routes>
      <Route index element={<ApplianceList />} />
      <Route path=":id" element={<ApplianceDetail />} />
    </Routes>
  );
}

function ApplianceList() {
  const [parameters, setParameters] = useSearchParams();
  const [adding, setAdding] = useState(parameters.get('new') !== null);
  const profiles = useConsoleQuery('profiles.list').data ?? [];
  const statuses = useConsoleQuery('appliances.status').data ?? [];
  const appliances = profiles.filter((profile) => profile.kind === 'appliance');
  const close = () => {
    setAdding(false);
    if (parameters.size > 0) setParameters({}, { replace: true });
  };
  const add = (
    <Button
      size={appliances.length > 0 ? 'xs' : 'sm'}
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => setAdding(true)}
    >
      Add an appliance
    </Button>
  );
  return (
    <Page title="Appliances" actions={appliances.length > 0 && add}>
      {appliances.length === 0 ? (
        <EmptyState title="No appliance yet" action={add}>
          An appliance is a VM in the target cloud that does the work. Connect one, or have the agent
          installed on a bare Debian VM.
        </EmptyState>
      ) : (
        <Table.ScrollContainer
          minWidth={640}
          scrollAreaProps={{ offsetScrollbars: 'present', tabIndex: 0, 'aria-label': 'Appliances' }}
        >
          <Table verticalSpacing="sm" aria-label="Appliances">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Address</Table.Th>
                <Table.Th>Health</Table.Th>
                <Table.Th>Agent</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {appliances.map(({ id, name, username, host, port, jumpHosts }) => {
                const status = statuses.find((each) => each.id === id);
                return (
                  <Table.Tr key={id}>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>
                      <Anchor component={Link} to={id} size="sm">
                        {name}
                      </Anchor>
                    </Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>
                      {username}@{host}
                      {port !== 22 && `:${port}`}
                      {jumpHosts.length > 0 && ` through ${jumpHosts.join(', ')}`}
                    </Table.Td>
                    <Table.Td>{status && <HealthDot status={status} />}</Table.Td>
                    <Table.Td>{status?.agentVersion ?? 'Unknown'}</Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Modal
        opened={adding}
        onClose={close}
        closeButtonProps={{ 'aria-label': 'Close' }}
        title="Add an appliance"
        size="lg"
      >
        <NewAppliance onDone={close} onCancel={close} />
      </Modal>
    </Page>
  );
}
