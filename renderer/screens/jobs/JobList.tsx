import { Button, Group, SegmentedControl, TextInput } from '@mantine/core';
import { IconEraser, IconSearch } from '@tabler/icons-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { DataTable } from '../../components/DataTable.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { CleanupDialog } from '../../components/job/CleanupDialog.tsx';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useConsoleQuery } from '../../queries/console.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';
import { JobSummary } from './JobSummary.tsx';
import { type JobRow, jobColumns } from './jobColumns.tsx';
import { filterFrom, type JobFilter, jobSearch } from './jobList.ts';
import { useJobs } from './useJobs.ts';

const filterWords: readonly { readonly value: JobFilter; readonly label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'running', label: 'Running' },
  { value: 'waiting', label: 'Waiting' },
  { value: 'failed', label: 'Failed' },
  { value: 'succeeded', label: 'Succeeded' },
  { value: 'cancelled', label: 'Cancelled' },
];
const emptyWords: Record<JobFilter, string> = {
  all: 'No job has that in it.',
  running: 'No job is running.',
  waiting: 'No job waits for anything.',
  failed: 'No job has failed.',
  succeeded: 'No job has succeeded yet.',
  cancelled: 'No job was cancelled.',
};
const rowId = ({ job }: JobRow) => job.id;
const newestFirst = { id: 'created', desc: true };

/** Every job of an appliance: what runs, what waits and for what, what failed and why. */
export function JobList({ applianceId }: { readonly applianceId: string }) {
  const navigate = useNavigate();
  const [address, setAddress] = useSearchParams();
  const filter = filterFrom(address.get('state'));
  const { newest, jobs, places } = useJobs(applianceId, filter);
  const readOnly = useReadOnly(applianceId);
  const profiles = useConsoleQuery('profiles.list').data;
  const appliance = profiles?.find(({ id }) => id === applianceId)?.name ?? 'appliance';
  const [search, setSearch] = useState('');
  const [cleaning, setCleaning] = useState(false);

  const live = newest.data?.cachedAt === undefined;
  const rows = useMemo(
    () => jobs.map((job) => ({ job, place: places.get(job.id), live })),
    [jobs, places, live],
  );
  const wanted = useDeferredValue(search);
  const accept = useMemo(() => {
    const fits = jobSearch(wanted);
    return fits && ((row: JobRow) => fits(row.job));
  }, [wanted]);
  const nothingYet = newest.isSuccess && jobs.length === 0 && filter === 'all';

  return (
    <Page
      title="Jobs"
      fill
      actions={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconEraser size={16} aria-hidden />}
          disabled={readOnly !== undefined}
          title={readOnly ?? 'Removes what ended jobs left over in vCenter, CloudStack and on the appliance'}
          onClick={() => setCleaning(true)}
        >
          Clean up
        </Button>
      }
    >
      {newest.isError && <ProblemState error={newest.error} onRetry={() => void newest.refetch()} />}
      {newest.isPending && <LoadingScreen />}
      {nothingYet && (
        <EmptyState
          title="No jobs yet"
          action={
            <Button component={Link} to="/workloads">
              Choose a workload
            </Button>
          }
        >
          Replications, verifications and clean-ups appear here with their steps, from the moment they are
          asked for.
        </EmptyState>
      )}
      {newest.isSuccess && !nothingYet && (
        <DataTable
          name="jobs"
          label="Jobs"
          rows={rows}
          filter={accept}
          columns={jobColumns}
          rowId={rowId}
          initialSort={newestFirst}
          renderDetail={(row) => <JobSummary applianceId={applianceId} row={row} readOnly={readOnly} />}
          onOpen={({ job }) => void navigate(`/jobs/${job.id}`)}
          toolbar={
            <Group gap="xs" wrap="nowrap">
              <SegmentedControl
                size="xs"
                aria-label="State"
                data={[...filterWords]}
                value={filter}
                onChange={(state) => setAddress(state === 'all' ? {} : { state }, { replace: true })}
              />
              <TextInput
                type="search"
                size="xs"
                w={160}
                aria-label="Find in jobs"
                placeholder="Find"
                leftSection={<IconSearch size={14} aria-hidden />}
                value={search}
                onChange={(event) => setSearch(event.currentTarget.value)}
              />
            </Group>
          }
          empty={wanted === '' ? emptyWords[filter] : 'No job has that in it.'}
        />
      )}
      {cleaning && (
        <CleanupDialog
          applianceId={applianceId}
          name={appliance}
          onClose={() => setCleaning(false)}
          onStarted={(job) => {
            setCleaning(false);
            if (job) void navigate(`/jobs/${job.id}`);
          }}
        />
      )}
    </Page>
  );
}
