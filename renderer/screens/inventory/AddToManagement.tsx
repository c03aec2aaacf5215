import { Button, Modal, NativeSelect, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { EmptyState } from '../../components/EmptyState.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useGiveFocusBack } from '../../components/useGiveFocusBack.ts';
import { useAgentQuery } from '../../queries/agent.ts';
import type { InventoryIndex } from '../../queries/inventory/inventoryIndex.ts';
import { useVms } from '../../queries/inventory/useInventory.ts';
import { MappingSheet } from './MappingSheet.tsx';
import type { VmRow } from './vmRow.ts';

interface Props {
  readonly applianceId: string | undefined;
  readonly sourceId: string;
  readonly index: InventoryIndex;
  readonly rows: readonly VmRow[];
  /** `added`: the VMs were sent, and the selection has done its work. */
  readonly onClose: (added: boolean) => void;
}

const discoveryStaleTime = 60_000;

/** The target, then the mapping of the chosen VMs to it. */
function Sheet({ applianceId, sourceId, index, rows, onClose }: Props) {
  const vms = useVms(index, rows);
  const targets = useAgentQuery(applianceId, 'listTargets', {});
  const [chosen, setChosen] = useState<string>();
  const items = targets.data?.data.items ?? [];
  const target = items.find(({ id }) => id === chosen) ?? items[0];
  const discovery = useAgentQuery(
    applianceId,
    'discoverTarget',
    { params: { id: target?.id ?? '' } },
    { enabled: target !== undefined, staleTime: discoveryStaleTime },
  );
  if (targets.isError) return <ProblemState error={targets.error} onRetry={() => void targets.refetch()} />;
  if (targets.isPending) return <LoadingScreen />;
  if (!target)
    return (
      <EmptyState
        title="No cloud yet"
        action={
          <Button component={Link} to="/credentials?new=cloudstack">
            Add a CloudStack account
          </Button>
        }
      >
        Workloads go to a CloudStack. Add its account first; the VMs stay selected.
      </EmptyState>
    );
  return (
    <>
      {items.length > 1 && (
        <NativeSelect
          size="xs"
          w={260}
          label="Cloud"
          data={items.map(({ id, name }) => ({ value: id, label: name }))}
          value={target.id}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
      )}
      {!target.config.zoneId && (
        <Text size="sm">
          No zone is chosen for {target.name}, so that offerings of all zones are listed.{' '}
          <Link to="/settings">Choose the target’s defaults</Link>
        </Text>
      )}
      {discovery.isError && <ProblemState error={discovery.error} onRetry={() => void discovery.refetch()} />}
      {vms.isError && <ProblemState error={vms.error} onRetry={() => void vms.refetch()} />}
      {(discovery.isPending || vms.isPending) && <LoadingScreen />}
      {discovery.data && vms.data && (
        <MappingSheet
          key={target.id}
          applianceId={applianceId}
          sourceId={sourceId}
          vms={vms.data}
          target={target}
          discovery={discovery.data.data}
          onClose={onClose}
        />
      )}
    </>
  );
}

/** *Add to management*, over the whole window; open as long as it is rendered. */
export function AddToManagement(props: Props) {
  useGiveFocusBack();
  const count = props.rows.length;
  return (
    <Modal
      opened
      onClose={() => props.onClose(false)}
      fullScreen
      closeOnEscape={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
      title={<Title order={2} size="h4">{`Add ${count} ${count === 1 ? 'VM' : 'VMs'} to management`}</Title>}
      styles={{
        content: { display: 'flex', flexDirection: 'column' },
        body: {
          display: 'flex',
          flex: 1,
          flexDirection: 'column',
          gap: 'var(--mantine-spacing-sm)',
          minHeight: 0,
        },
      }}
    >
      <Sheet {...props} />
    </Modal>
  );
}
