import type { Job } from '../../../appliance-agent/src/contract/index.ts';

/** Averages over equal spans of time, as uPlot takes them: seconds since 1970, and bytes a second. */
export interface ThroughputHistory {
  readonly at: readonly number[];
  readonly bytesPerSecond: readonly number[];
}

/**
 * What was copied over time, told from the jobs: each counts with its average over the time that it took, so that peaks
 * within a job do not show.
 * @param from start, milliseconds since 1970
 * @param to end, milliseconds since 1970
 * @param spans number of points
 */
export function throughputHistory(
  jobs: readonly Job[],
  from: number,
  to: number,
  spans: number,
): ThroughputHistory {
  const span = (to - from) / spans;
  const bytes = new Array<number>(spans).fill(0);
  for (const { startedAt, endedAt, disks, reports } of jobs) {
    if (startedAt === undefined) continue;
    const begin = Date.parse(startedAt);
    const end = Math.min(endedAt === undefined ? to : Date.parse(endedAt), to);
    const copied =
      reports.length > 0
        ? reports.reduce((sum, report) => sum + report.copiedBytes, 0)
        : disks.reduce((sum, disk) => sum + disk.writtenBytes, 0);
    if (end <= begin || end <= from || copied === 0) continue;
    const first = Math.max(0, Math.floor((begin - from) / span));
    const last = Math.min(spans - 1, Math.floor((end - from) / span));
    for (let index = first; index <= last; index++) {
      const start = from + index * span;
      const shared = Math.min(end, start + span) - Math.max(begin, start);
      bytes[index] = (bytes[index] ?? 0) + (copied * Math.max(0, shared)) / (end - begin);
    }
  }
  return {
    at: bytes.map((_, index) => (from + (index + 0.5) * span) / 1000),
    bytesPerSecond: bytes.map((count) => count / (span / 1000)),
  };
}
