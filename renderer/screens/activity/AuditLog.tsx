import { Button, Group, SegmentedControl, Select, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDownload, IconSearch } from '@tabler/icons-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import { Ago } from '../../components/Ago.tsx';
import { DataTable, type TableSort } from '../../components/DataTable.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useConsoleQuery } from '../../queries/console.ts';
import { AuditDetail } from './AuditDetail.tsx';
import { auditColumns } from './auditColumns.tsx';
import { type AuditRow, actorsOf, auditFilter, outcomeFilters, outcomeFrom, rowOf } from './auditFilter.ts';
import { mostExported } from './auditPages.ts';
import { outcomeWords } from './auditWords.ts';
import { useAudit, useAuditExport, useKnownSubjects } from './useAudit.ts';

const newestFirst: TableSort = { id: 'when', desc: true };
const rowId = ({ entry }: AuditRow) => String(entry.id);
const outcomeChoices = outcomeFilters.map((value) => ({
  value,
  label: value === 'all' ? 'All' : outcomeWords[value],
}));

function tellSaved({ path, count }: { readonly path: string; readonly count: number }): void {
  const entries = count === 1 ? '1 entry is' : `${count.toLocaleString()} entries are`;
  notifications.show({ message: `${entries} in ${path}.`, autoClose: 8000 });
}

/** The audit log of an appliance, to look through and to take along. */
export function AuditLog({ applianceId }: { readonly applianceId: string }) {
  const [address, setAddress] = useSearchParams();
  const outcome = outcomeFrom(address.get('outcome'));
  const [actor, setActor] = useState<string>();
  const [search, setSearch] = useState('');
  const text = useDeferredValue(search);
  const { log, entries, live } = useAudit(applianceId);
  const known = useKnownSubjects(applianceId);
  const save = useAuditExport(applianceId);
  const profiles = useConsoleQuery('profiles.list').data;
  const appliance = profiles?.find(({ id }) => id === applianceId)?.name ?? 'appliance';

  const rows = useMemo(() => entries.map((entry) => rowOf(entry, known)), [entries, known]);
  const actors = useMemo(() => actorsOf(entries), [entries]);
  const filter = useMemo(() => auditFilter({ outcome, actor, text }), [outcome, actor, text]);
  const nothingYet = log.isSuccess && entries.length === 0;
  const oldest = entries.at(-1)?.at;

  const runExport = () =>
    save.mutate(
      { appliance, known, filter, entries: live ? undefined : entries },
      { onSuccess: (saved) => saved && tellSaved(saved), onError: tellProblem },
    );

  return (
    <Page
      title="Activity"
      fill
      actions={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          disabled={entries.length === 0}
          loading={save.isPending}
          title={
            live
              ? `Saves what the filter shows of the whole log, its newest ${mostExported.toLocaleString()} entries at most`
              : 'The appliance is offline: saves what the filter shows of the last known entries'
          }
          onClick={runExport}
        >
          Export CSV
        </Button>
      }
    >
      {log.isError && entries.length === 0 && (
        <ProblemState error={log.error} onRetry={() => void log.refetch()} />
      )}
      {log.isPending && <LoadingScreen />}
      {nothingYet && (
        <EmptyState title="Nothing has been done yet">
          Whoever changes something on this appliance, or is refused to, is written down here: who, what, when
          and how it ended.
        </EmptyState>
      )}
      {entries.length > 0 && (
        <>
          <DataTable
            name="activity"
            label="Activity"
            rows={rows}
            filter={filter}
            columns={auditColumns}
            rowId={rowId}
            initialSort={newestFirst}
            renderDetail={(row) => <AuditDetail row={row} />}
            toolbar={
              <Group gap="xs" wrap="nowrap">
                <SegmentedControl
                  size="xs"
                  aria-label="Outcome"
                  data={outcomeChoices}
                  value={outcome}
                  onChange={(value) =>
                    setAddress(value === 'all' ? {} : { outcome: value }, { replace: true })
                  }
                />
                <Select
                  size="xs"
                  w={170}
                  aria-label="Who"
                  placeholder="Anybody"
                  clearable
                  searchable
                  data={actors}
                  value={actor ?? null}
                  onChange={(value) => setActor(value ?? undefined)}
                />
                <TextInput
                  type="search"
                  size="xs"
                  w={150}
                  aria-label="Find in activity"
                  placeholder="Find"
                  leftSection={<IconSearch size={14} aria-hidden />}
                  value={search}
                  onChange={(event) => setSearch(event.currentTarget.value)}
                />
              </Group>
            }
            empty={
              log.hasNextPage
                ? 'None of the entries that were read so far. Older ones can be read below.'
                : 'No entry is like that.'
            }
          />
          {log.hasNextPage && oldest !== undefined && (
            <Group justify="space-between">
              <Text size="sm" c="dimmed">
                The newest {entries.length.toLocaleString()} entries, the oldest of them <Ago at={oldest} />.
              </Text>
              <Button
                size="xs"
                variant="default"
                disabled={!live}
                title={live ? undefined : 'The appliance is offline: older entries cannot be read'}
                loading={log.isFetchingNextPage}
                onClick={() =>
                  void log.fetchNextPage().then(({ error }) => {
                    if (error) tellProblem(error);
                  })
                }
              >
                Read older entries
              </Button>
            </Group>
          )}
        </>
      )}
    </Page>
  );
}
