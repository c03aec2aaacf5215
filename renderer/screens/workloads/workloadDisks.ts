import type { DiskProgress, DiskReport, Job, Workload } from '../../../appliance-agent/src/contract/index.ts';

/** All that is known of a disk: what it is, what moves now, and what was proven last. */
export interface DiskRow {
  readonly disk: Workload['disks'][number];
  /** Of the job that goes on now. */
  readonly progress: DiskProgress | undefined;
  /** Of the last run that came to an end for this disk. */
  readonly report: DiskReport | undefined;
  /** When that run ended; ISO 8601. */
  readonly reportedAt: string | undefined;
}

/**
 * Joins the disks of a workload with the job that goes on and the evidence of its runs.
 * @param runs newest first, as the agent lists them
 */
export function diskRows(
  workload: Workload,
  current: Job | undefined,
  runs: readonly Job[],
): readonly DiskRow[] {
  return workload.disks.map((disk) => {
    const run = runs.find(({ reports }) => reports.some(({ key }) => key === disk.key));
    return {
      disk,
      progress: current?.disks.find(({ key }) => key === disk.key),
      report: run?.reports.find(({ key }) => key === disk.key),
      reportedAt: run?.endedAt,
    };
  });
}

/** What the last replication that succeeded took: the best forecast of the next one. */
export function lastReplication(
  runs: readonly Job[],
): { readonly seconds: number; readonly copiedBytes: number } | undefined {
  for (const { kind, state, startedAt, endedAt, reports } of runs) {
    if (kind !== 'replicate' || state !== 'succeeded' || !startedAt || !endedAt) continue;
    return {
      seconds: Math.max(0, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000),
      copiedBytes: reports.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0),
    };
  }
  return undefined;
}
