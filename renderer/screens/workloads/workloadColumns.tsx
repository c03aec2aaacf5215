import { Link } from 'react-router';
import { Ago } from '../../components/Ago.tsx';
import type { DataColumn } from '../../components/DataTable.tsx';
import { formatBytes } from '../../components/format.ts';
import { shareOf } from '../../components/job/liveJob.ts';
import { Remaining } from '../../components/job/Remaining.tsx';
import { ShareBar } from '../../components/job/ShareBar.tsx';
import styles from '../../components/tableLink.module.css';
import { stateLabel } from '../../components/workload/lifecycle.ts';
import { Behind } from './Behind.tsx';
import { NextText } from './NextText.tsx';
import type { WorkloadRow } from './workloadRow.ts';

/** The columns of the table of workloads. */
export const workloadColumns: readonly DataColumn<WorkloadRow>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 130,
    always: true,
    value: ({ workload }) => workload.name,
    cell: ({ workload }) => (
      <Link className={styles.link} to={`/workloads/${workload.id}`} tabIndex={-1} title={workload.name}>
        {workload.name}
      </Link>
    ),
  },
  { id: 'state', header: 'State', width: 124, value: ({ workload }) => stateLabel(workload.state) },
  {
    id: 'next',
    header: 'Next step',
    width: 130,
    grow: true,
    value: ({ next }) => `${next.urgent ? 0 : 1} ${next.text}`,
    cell: ({ next }) => <NextText next={next} />,
    exported: { value: ({ next }) => next.text },
  },
  {
    id: 'progress',
    header: 'Progress',
    width: 94,
    value: ({ job }) => (job && job.plannedBytes > 0 ? job.doneBytes / job.plannedBytes : undefined),
    cell: ({ job }) => job && <ShareBar job={job} />,
    exported: {
      header: 'Progress (%)',
      value: ({ job }) => (job ? Math.floor(shareOf(job, false) * 100) : undefined),
    },
  },
  {
    id: 'backlog',
    header: 'To copy',
    width: 82,
    align: 'end',
    value: ({ job }) => job && job.plannedBytes - job.doneBytes,
    cell: ({ job }) => job && <Remaining job={job} what="bytes" />,
    exported: { header: 'To copy (bytes)', value: ({ job }) => job && job.plannedBytes - job.doneBytes },
  },
  {
    id: 'left',
    header: 'Level in',
    width: 88,
    align: 'end',
    value: ({ job }) => job?.etaSeconds,
    cell: ({ job }) => job && <Remaining job={job} what="time" />,
    exported: { header: 'Level in (seconds)', value: ({ job }) => job?.etaSeconds },
  },
  {
    id: 'behind',
    header: 'RPO lag',
    width: 104,
    align: 'end',
    value: ({ behind }) => (behind === undefined ? undefined : -Date.parse(behind)),
    cell: (row) => (
      <Behind
        behind={row.behind}
        cachedAt={row.cachedAt}
        goalSeconds={row.workload.settings.rpoGoalSeconds}
      />
    ),
    exported: { header: 'Replica shows (UTC)', value: ({ workload }) => workload.replicatedUntil },
  },
  {
    id: 'disks',
    header: 'Disks',
    width: 130,
    align: 'end',
    hidden: true,
    value: ({ diskBytes }) => diskBytes,
    exported: { header: 'Disks (bytes)', value: ({ diskBytes }) => diskBytes },
    cell: ({ workload, diskBytes }) => `${workload.disks.length} · ${formatBytes(diskBytes)}`,
  },
  {
    id: 'target',
    header: 'Name on the target',
    width: 160,
    hidden: true,
    value: ({ workload }) => workload.settings.targetName ?? workload.name,
  },
  {
    id: 'limit',
    header: 'Bandwidth limit',
    width: 140,
    align: 'end',
    hidden: true,
    value: ({ workload }) => workload.settings.bandwidthLimit,
    exported: {
      header: 'Bandwidth limit (bytes/s)',
      value: ({ workload }) => workload.settings.bandwidthLimit,
    },
    cell: ({ workload }) =>
      workload.settings.bandwidthLimit === undefined
        ? 'None'
        : `${formatBytes(workload.settings.bandwidthLimit)}/s`,
  },
  {
    id: 'added',
    header: 'Added',
    width: 110,
    hidden: true,
    value: ({ workload }) => Date.parse(workload.createdAt),
    exported: { header: 'Added (UTC)', value: ({ workload }) => workload.createdAt },
    cell: ({ workload }) => <Ago at={workload.createdAt} />,
  },
];
