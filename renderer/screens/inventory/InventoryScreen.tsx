import { ActionIcon, Button, Group, NativeSelect, Text, Tooltip } from '@mantine/core';
import { IconLayoutSidebar, IconPlus, IconRefresh } from '@tabler/icons-react';
import { useCallback, useDeferredValue, useMemo, useState } from 'react';
import { Link } from 'react-router';
import type { Workload } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import { DataTable } from '../../components/DataTable.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useAgentQuery } from '../../queries/agent.ts';
import type { InventoryIndex } from '../../queries/inventory/inventoryIndex.ts';
import { useInventory } from '../../queries/inventory/useInventory.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';
import { useApplianceChoice } from '../../stores/appliance.ts';
import { AddToManagement } from './AddToManagement.tsx';
import { FilterBar } from './FilterBar.tsx';
import { accepts, choicesOf, noFilter } from './inventoryFilter.ts';
import { PlaceTree } from './PlaceTree.tsx';
import { ReadinessDrawer } from './ReadinessDrawer.tsx';
import { VmDetail } from './VmDetail.tsx';
import { vmColumns } from './vmColumns.tsx';
import { type VmRow, vmRows } from './vmRow.ts';

const noWorkloads: readonly Workload[] = [];
const noVms: ReadonlySet<string> = new Set();
const rowId = ({ id }: VmRow) => id;
const byName = { id: 'name', desc: false };
const whyNotSelectable = ({ workload }: VmRow) => (workload ? 'This VM is managed already' : undefined);

interface BrowserProps {
  readonly applianceId: string | undefined;
  readonly sourceId: string;
  readonly inventory: InventoryIndex;
  readonly workloads: readonly Workload[];
  /** Why nothing can be added now; undefined: it can. */
  readonly readOnly: string | undefined;
}

/** Tree, filters and table over one inventory. */
function VmBrowser({ applianceId, sourceId, inventory, workloads, readOnly }: BrowserProps) {
  const rows = useMemo(() => vmRows(inventory.vms, workloads), [inventory, workloads]);
  const [filter, setFilter] = useState(noFilter);
  const [selected, setSelected] = useState(noVms);
  const [withTree, setWithTree] = useState(true);
  const [concernsOf, setConcernsOf] = useState<string>();
  const [adding, setAdding] = useState(false);

  // Typing stays smooth: the table follows when there is time.
  const deferred = useDeferredValue(filter);
  const accept = useMemo(() => accepts(deferred), [deferred]);
  const shown = useMemo(() => (accept ? rows.filter(accept).length : rows.length), [rows, accept]);
  const choices = useMemo(
    () => ({
      os: choicesOf(rows, 'os'),
      power: choicesOf(rows, 'power'),
      network: choicesOf(rows, 'network'),
      datastore: choicesOf(rows, 'datastore'),
      tag: choicesOf(rows, 'tag'),
      concern: choicesOf(rows, 'concern'),
      management: choicesOf(rows, 'management'),
    }),
    [rows],
  );
  const choosePlace = useCallback((place: string | undefined) => setFilter((old) => ({ ...old, place })), []);
  const openConcerns = useCallback(({ id }: VmRow) => setConcernsOf(id), []);
  const columns = useMemo(() => vmColumns(openConcerns), [openConcerns]);
  const renderDetail = useCallback((row: VmRow) => <VmDetail index={inventory} row={row} />, [inventory]);
  const chosen = useMemo(() => rows.filter(({ id }) => selected.has(id)), [rows, selected]);
  const hiddenCount = accept ? chosen.filter((row) => !accept(row)).length : 0;

  // Kept as it is while only the search field changes: the table follows with the deferred filter.
  const table = useMemo(
    () => (
      <DataTable
        name="inventory"
        label="VMs"
        rows={rows}
        filter={accept}
        columns={columns}
        rowId={rowId}
        initialSort={byName}
        selected={selected}
        onSelect={setSelected}
        whyNotSelectable={whyNotSelectable}
        renderDetail={renderDetail}
        exportedAs="inventory"
        onOpen={openConcerns}
        toolbar={
          <Group gap="xs">
            <Tooltip label={withTree ? 'Hide places' : 'Show places'}>
              <ActionIcon
                variant="default"
                size={30}
                aria-label="Places"
                aria-pressed={withTree}
                onClick={() => setWithTree(!withTree)}
              >
                <IconLayoutSidebar size={16} />
              </ActionIcon>
            </Tooltip>
            <Button
              size="xs"
              leftSection={<IconPlus size={16} aria-hidden />}
              disabled={chosen.length === 0 || readOnly !== undefined}
              title={readOnly ?? (chosen.length === 0 ? 'Select VMs first' : undefined)}
              onClick={() => setAdding(true)}
            >
              Add to management
            </Button>
            <Text size="sm" role="status">
              {chosen.length > 0 && `${chosen.length.toLocaleString()} selected`}
              {hiddenCount > 0 && `, ${hiddenCount.toLocaleString()} of them not shown`}
            </Text>
          </Group>
        }
        empty="No VM fits the filters."
      />
    ),
    [rows, accept, columns, selected, renderDetail, openConcerns, withTree, chosen, hiddenCount, readOnly],
  );

  return (
    <>
      <FilterBar filter={filter} onChange={setFilter} choices={choices} shown={shown} total={rows.length} />
      <Group gap="md" align="stretch" wrap="nowrap" style={{ flex: 1, minHeight: 0 }}>
        {withTree && (
          <PlaceTree objects={inventory.objects} rows={rows} place={filter.place} onChoose={choosePlace} />
        )}
        {table}
      </Group>
      <ReadinessDrawer
        applianceId={applianceId}
        row={rows.find(({ id }) => id === concernsOf)}
        onClose={() => setConcernsOf(undefined)}
      />
      {adding && (
        <AddToManagement
          applianceId={applianceId}
          sourceId={sourceId}
          index={inventory}
          rows={chosen}
          onClose={(added) => {
            setAdding(false);
            if (added) setSelected(noVms);
          }}
        />
      )}
    </>
  );
}

/** The VMs of a vCenter: found, judged, and taken under management. */
export default function InventoryScreen() {
  const applianceId = useApplianceChoice((state) => state.applianceId);
  const sources = useAgentQuery(applianceId, 'listSources', {});
  const [chosen, setChosen] = useState<string>();
  const items = sources.data?.data.items ?? [];
  const source = items.find(({ id }) => id === chosen) ?? items[0];
  const inventory = useInventory(applianceId, source?.id);
  const workloads = useAgentQuery(applianceId, 'listWorkloads', {}).data?.data.items ?? noWorkloads;
  const readOnly = useReadOnly(applianceId);

  return (
    <Page
      title="Inventory"
      fill
      actions={
        source && (
          <>
            {inventory.data && (
              <Text size="sm" c="dimmed">
                Read <Ago at={inventory.data.data.takenAt} />
              </Text>
            )}
            <NativeSelect
              size="xs"
              aria-label="vCenter"
              data={items.map(({ id, name }) => ({ value: id, label: name }))}
              value={source.id}
              onChange={(event) => setChosen(event.currentTarget.value)}
            />
            <Button
              size="xs"
              variant="default"
              leftSection={<IconRefresh size={16} aria-hidden />}
              loading={inventory.isFetching}
              onClick={() => void inventory.refetch()}
            >
              Refresh
            </Button>
          </>
        )
      }
    >
      {applianceId === undefined && (
        <EmptyState
          title="No appliance yet"
          action={
            <Button component={Link} to="/appliances?new=1">
              Connect an appliance
            </Button>
          }
        >
          The inventory is read by an appliance. Connect one first.
        </EmptyState>
      )}
      {sources.isError && <ProblemState error={sources.error} onRetry={() => void sources.refetch()} />}
      {sources.isSuccess && !source && (
        <EmptyState
          title="No vCenter yet"
          action={
            <Button component={Link} to="/credentials?new=vcenter">
              Add a vCenter account
            </Button>
          }
        >
          Add the account of a vCenter and lend it to this appliance; its VMs appear here.
        </EmptyState>
      )}
      {inventory.isError && <ProblemState error={inventory.error} onRetry={() => void inventory.refetch()} />}
      {(inventory.isLoading || sources.isLoading) && <LoadingScreen />}
      {source && inventory.data && (
        <VmBrowser
          key={source.id}
          applianceId={applianceId}
          sourceId={source.id}
          inventory={inventory.data.data}
          workloads={workloads}
          readOnly={readOnly}
        />
      )}
    </Page>
  );
}
