import { Link } from 'react-router';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { Ago } from '../../components/Ago.tsx';
import type { DataColumn } from '../../components/DataTable.tsx';
import { Elapsed } from '../../components/Elapsed.tsx';
import { formatDuration, formatRate } from '../../components/format.ts';
import { JobState } from '../../components/job/JobState.tsx';
import { isOver, stateWords, titleOf, whatOf } from '../../components/job/jobWords.ts';
import { shareOf } from '../../components/job/liveJob.ts';
import { ShareBar } from '../../components/job/ShareBar.tsx';
import { useLiveJob } from '../../components/job/useLiveJob.ts';
import styles from '../../components/tableLink.module.css';

export interface JobRow {
  readonly job: Job;
  /** In the queue, from 1. */
  readonly place: number | undefined;
  /** False while the appliance is offline: nothing is told as happening now. */
  readonly live: boolean;
}

function What({ job, place }: JobRow) {
  const text = place === undefined ? whatOf(job) : `Number ${place} in the queue. ${whatOf(job)}`;
  return <span title={text}>{text}</span>;
}

function Rate({ job, live }: JobRow) {
  const now = useLiveJob(job);
  return live && now.state === 'running' ? formatRate(now.bytesPerSecond) : null;
}

function Left({ job, live }: JobRow) {
  const now = useLiveJob(job);
  return live && now.state === 'running' && now.etaSeconds !== undefined
    ? formatDuration(now.etaSeconds)
    : null;
}

const duration = ({ startedAt, endedAt }: Job) =>
  startedAt === undefined
    ? undefined
    : (endedAt === undefined ? Date.now() : Date.parse(endedAt)) - Date.parse(startedAt);

/** The columns of the table of jobs. */
export const jobColumns: readonly DataColumn<JobRow>[] = [
  {
    id: 'job',
    header: 'Job',
    width: 166,
    always: true,
    value: ({ job }) => titleOf(job),
    cell: ({ job }) => (
      <Link className={styles.link} to={`/jobs/${job.id}`} tabIndex={-1} title={titleOf(job)}>
        {titleOf(job)}
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: 126,
    value: ({ job }) => stateWords[job.state],
    cell: ({ job }) => <JobState job={job} />,
  },
  {
    id: 'what',
    header: 'What',
    width: 180,
    grow: true,
    value: ({ job }) => whatOf(job),
    cell: (row) => <What {...row} />,
  },
  {
    id: 'progress',
    header: 'Progress',
    width: 116,
    value: ({ job }) => shareOf(job, isOver(job)),
    cell: (row) => <ShareBar job={row.job} />,
  },
  {
    id: 'created',
    header: 'Created',
    width: 112,
    value: ({ job }) => Date.parse(job.createdAt),
    cell: ({ job }) => <Ago at={job.createdAt} />,
  },
  {
    id: 'rate',
    header: 'Rate',
    width: 106,
    align: 'end',
    hidden: true,
    value: ({ job }) => job.bytesPerSecond,
    cell: (row) => <Rate {...row} />,
  },
  {
    id: 'left',
    header: 'Left',
    width: 96,
    align: 'end',
    hidden: true,
    value: ({ job }) => job.etaSeconds,
    cell: (row) => <Left {...row} />,
  },
  {
    id: 'duration',
    header: 'Duration',
    width: 100,
    align: 'end',
    hidden: true,
    value: ({ job }) => duration(job),
    cell: ({ job, live }) =>
      job.startedAt !== undefined && (job.endedAt !== undefined || live) ? (
        <Elapsed from={job.startedAt} to={job.endedAt} />
      ) : null,
  },
  { id: 'by', header: 'Started by', width: 140, hidden: true, value: ({ job }) => job.createdBy },
];
