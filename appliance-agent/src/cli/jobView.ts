import type { DiskProgress, Job } from '../contract/index.ts';
import { fields, table } from './output.ts';
import { showBytes, showDuration, showRate } from './quantities.ts';

/** How a job stands, in words: `waiting: credentials`. */
export function stateOf(job: Job): string {
  return job.state === 'waiting' && job.waitReason ? `waiting: ${job.waitReason}` : job.state;
}

function share(done: number, planned: number): number {
  return planned <= 0 ? 0 : Math.min(1, done / planned);
}

/** Told against what the job means to read, never against the capacity. */
function percent(disk: Pick<DiskProgress, 'doneBytes' | 'plannedBytes' | 'phase'>): number {
  if (disk.phase === 'done') return 100;
  return Math.floor(100 * share(disk.doneBytes, disk.plannedBytes));
}

const blocks = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `width` columns, filled to an eighth of a column. */
export function bar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const full = '█'.repeat(Math.floor(eighths / 8)) + (blocks[eighths % 8] ?? '');
  return full.padEnd(width, '░');
}

function eta(etaSeconds: number | undefined): string {
  return etaSeconds === undefined ? '' : `${showDuration(Math.ceil(etaSeconds))} left`;
}

function diskLine(disk: DiskProgress, labelWidth: number, columns: number): string {
  const done = percent(disk);
  const active = disk.phase !== 'done' && disk.phase !== 'waiting' && disk.phase !== 'failed';
  const details = [
    `${String(done).padStart(3)} %`,
    `${showBytes(disk.doneBytes)} of ${showBytes(disk.plannedBytes)}`,
    ...(active ? [showRate(disk.bytesPerSecond), eta(disk.etaSeconds)] : []),
    disk.phase,
  ].filter((part) => part !== '');
  const text = details.join('  ');
  const room = columns - labelWidth - text.length - 6;
  const drawn = room >= 8 ? `${bar(done / 100, Math.min(room, 30))}  ` : '';
  return `  ${disk.label.padEnd(labelWidth)}  ${drawn}${text}`;
}

/** What the job does now; undefined while it waits, and at its end. */
function stepOf(job: Job): string | undefined {
  if (job.state !== 'running') return undefined;
  return job.steps.find(({ state }) => state === 'running' || state === 'waiting')?.title;
}

/** What a terminal shows of a job while it runs: one line for the job, one for each disk. No line is wider than the terminal. */
export function progressLines(job: Job, columns: number): string[] {
  const step = stepOf(job);
  const head = [
    `${job.kind} ${job.workloadName ?? ''}`.trim(),
    stateOf(job),
    ...(step === undefined ? [] : [step]),
    ...(job.message === undefined ? [] : [job.message]),
  ].join(' · ');
  const labelWidth = Math.max(0, ...job.disks.map(({ label }) => label.length));
  return [head, ...job.disks.map((disk) => diskLine(disk, labelWidth, columns))].map((line) =>
    line.length > columns ? `${line.slice(0, columns - 1)}…` : line,
  );
}

/** The same as one line without any drawing, for logs. */
export function progressLine(job: Job): string {
  const parts = [
    `${job.kind} ${job.workloadName ?? job.id}`,
    stateOf(job),
    stepOf(job) ?? '',
    ...(job.plannedBytes > 0
      ? [
          `${Math.floor(100 * share(job.doneBytes, job.plannedBytes))} % of ${showBytes(job.plannedBytes)}`,
          ...(job.state === 'running' ? [showRate(job.bytesPerSecond), eta(job.etaSeconds)] : []),
        ]
      : []),
    ...(job.message === undefined ? [] : [job.message]),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** All of a job, for `jobs show`. */
export function describeJob(job: Job): string {
  const head = fields([
    ['Job', job.id],
    ['Kind', job.kind],
    ['Workload', job.workloadName],
    ['State', stateOf(job)],
    ['Message', job.message],
    ['Error', job.problem && `${job.problem.detail} (${job.problem.code})`],
    ['Remedy', job.problem?.remedy],
    ['Started by', job.createdBy],
    ['Started', job.startedAt],
    ['Ended', job.endedAt],
  ]);
  const steps = job.steps.map(({ title, state, message }) => [`  ${title}`, state, message ?? '']);
  const parts = [head];
  if (steps.length > 0) parts.push(`Steps\n${table(['  Step', 'State', 'Message'], steps, '')}`);
  if (job.reports.length > 0) parts.push(reportTable(job));
  else if (job.disks.length > 0) parts.push(progressLines(job, 100).slice(1).join('\n'));
  return parts.join('\n\n');
}

/** The evidence of a job's disks. */
export function reportTable(job: Job): string {
  return table(
    ['Disk', 'Capacity', 'Copied', 'Holes', 'Time', 'Rate', 'Source digest', 'Target digest', 'Verified'],
    job.reports.map((report) => [
      report.label,
      showBytes(report.capacityBytes),
      showBytes(report.copiedBytes),
      showBytes(report.holeBytes),
      showDuration(report.seconds),
      report.seconds > 0 && report.copiedBytes > 0 ? showRate(report.copiedBytes / report.seconds) : '',
      report.sourceDigest.slice(0, 16),
      report.targetDigest?.slice(0, 16) ?? '',
      verdictOf(report),
    ]),
    'No disk was finished.',
  );
}

/** What a verification found, and what became of it. */
function verdictOf({ verified, mismatchedChunks, healedChunks }: Job['reports'][number]): string {
  const chunks = (count: number) => `${count} ${count === 1 ? 'chunk' : 'chunks'}`;
  if (verified) return healedChunks > 0 ? `equal, ${chunks(healedChunks)} healed` : 'equal';
  if (mismatchedChunks === 0) return 'no';
  return `${chunks(mismatchedChunks)} ${mismatchedChunks === 1 ? 'differs' : 'differ'}`;
}

/** Jobs as a table. */
export function jobTable(jobs: readonly Job[]): string {
  return table(
    ['Id', 'Kind', 'Workload', 'State', 'Done', 'Rate', 'Started', 'What'],
    jobs.map((job) => [
      job.id.slice(0, 8),
      job.kind,
      job.workloadName ?? '',
      stateOf(job),
      job.plannedBytes > 0 ? `${Math.floor(100 * share(job.doneBytes, job.plannedBytes))} %` : '',
      job.state === 'running' ? showRate(job.bytesPerSecond) : '',
      job.startedAt ?? job.createdAt,
      job.problem?.detail ?? job.message ?? '',
    ]),
    'There are no jobs yet; start one with: ossea-agent replicate <workload>',
  );
}
