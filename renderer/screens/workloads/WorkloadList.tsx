import { Button, Group, NativeSelect, SegmentedControl, Text, TextInput } from '@mantine/core';
import { IconRefresh, IconSearch } from '@tabler/icons-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { z } from 'zod';
import { DataTable } from '../../components/DataTable.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { lifecycle } from '../../components/workload/lifecycle.ts';
import { useAgentQuery } from '../../queries/agent.ts';
import { useSavedView } from '../../queries/savedView.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';
import { useStandingFailovers } from '../../queries/useStandingFailovers.ts';
import { ReplicateMany } from './ReplicateMany.tsx';
import { useActiveJobs } from './useActiveJobs.ts';
import { WorkloadBoard } from './WorkloadBoard.tsx';
import { workloadColumns } from './workloadColumns.tsx';
import { acceptsWorkload, type WorkloadRow, workloadRows } from './workloadRow.ts';

const View = z.enum(['table', 'board']);
const views = [
  { value: 'table', label: 'Table' },
  { value: 'board', label: 'Board' },
];
const states = [
  { value: '', label: 'All states' },
  ...lifecycle.map(({ state, label }) => ({ value: state, label })),
];
const rowId = ({ workload }: WorkloadRow) => workload.id;
const byName = { id: 'name', desc: false };
const noneSelected: ReadonlySet<string> = new Set();

/** Every managed VM with its state, what is next, and how far its replica is behind. */
export function WorkloadList({ applianceId }: { readonly applianceId: string }) {
  const navigate = useNavigate();
  const [address, setAddress] = useSearchParams();
  const state = lifecycle.find((one) => one.state === address.get('state'))?.state;
  const answer = useAgentQuery(applianceId, 'listWorkloads', {});
  const jobs = useActiveJobs(applianceId);
  const readOnly = useReadOnly(applianceId);
  const [view, setView] = useSavedView('workloads-view', View, 'table');
  const [text, setText] = useState('');
  const [selected, setSelected] = useState(noneSelected);
  const [replicating, setReplicating] = useState(false);

  const workloads = answer.data?.data.items;
  const cachedAt = answer.data?.cachedAt;
  const standing = useStandingFailovers(applianceId);
  const rows = useMemo(
    () => workloadRows(workloads ?? [], jobs, cachedAt, standing),
    [workloads, jobs, cachedAt, standing],
  );
  const wanted = useDeferredValue(text);
  const accept = useMemo(() => acceptsWorkload({ state, text: wanted }), [state, wanted]);
  const chosen = useMemo(() => (workloads ?? []).filter(({ id }) => selected.has(id)), [workloads, selected]);
  const board = view === 'board' && state === undefined;

  return (
    <Page
      title="Workloads"
      fill
      actions={
        <Button component={Link} to="/inventory" size="xs" variant="default">
          Add workloads
        </Button>
      }
    >
      {answer.isError && <ProblemState error={answer.error} onRetry={() => void answer.refetch()} />}
      {answer.isPending && <LoadingScreen />}
      {workloads?.length === 0 && (
        <EmptyState
          title="No workloads yet"
          action={
            <Button component={Link} to="/inventory">
              Choose VMs in the inventory
            </Button>
          }
        >
          VMs that are added to management appear here, with how far their replicas are.
        </EmptyState>
      )}
      {workloads !== undefined && workloads.length > 0 && (
        <>
          <Group gap="xs">
            <SegmentedControl
              size="xs"
              aria-label="View"
              data={views}
              value={board ? 'board' : 'table'}
              onChange={(next) => {
                setView(View.parse(next));
                if (next === 'board') setAddress({}, { replace: true });
              }}
            />
            <NativeSelect
              size="xs"
              aria-label="State"
              data={states}
              value={state ?? ''}
              onChange={({ currentTarget: { value } }) =>
                setAddress(value === '' ? {} : { state: value }, { replace: true })
              }
            />
            <TextInput
              type="search"
              size="xs"
              w={200}
              aria-label="Find in workloads"
              placeholder="Find"
              leftSection={<IconSearch size={14} aria-hidden />}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
          </Group>
          {board ? (
            <WorkloadBoard rows={accept ? rows.filter(accept) : rows} />
          ) : (
            <DataTable
              name="workloads"
              label="Workloads"
              rows={rows}
              filter={accept}
              columns={workloadColumns}
              rowId={rowId}
              initialSort={byName}
              selected={selected}
              onSelect={setSelected}
              exportedAs="workloads"
              onOpen={({ workload }) => void navigate(`/workloads/${workload.id}`)}
              toolbar={
                <Group gap="xs">
                  <Button
                    size="xs"
                    leftSection={<IconRefresh size={16} aria-hidden />}
                    disabled={chosen.length === 0 || readOnly !== undefined}
                    title={readOnly ?? (chosen.length === 0 ? 'Select workloads first' : undefined)}
                    onClick={() => setReplicating(true)}
                  >
                    Replicate now
                  </Button>
                  <Text size="sm" role="status">
                    {chosen.length > 0 && `${chosen.length.toLocaleString()} selected`}
                  </Text>
                </Group>
              }
              empty="No workload fits the filters."
            />
          )}
        </>
      )}
      {replicating && (
        <ReplicateMany
          applianceId={applianceId}
          workloads={chosen}
          onClose={(started) => {
            setReplicating(false);
            if (started) setSelected(noneSelected);
          }}
        />
      )}
    </Page>
  );
}
