import type { Readiness, Workload } from '../contract/index.ts';
import { fields, table } from './output.ts';
import { showBytes, showDuration } from './quantities.ts';

function lagOf({ replicatedUntil }: Workload): string {
  return replicatedUntil === undefined
    ? 'no replica'
    : showDuration((Date.now() - Date.parse(replicatedUntil)) / 1000);
}

function sizeOf({ disks }: Workload): number {
  return disks.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
}

/** Workloads as a table. */
export function workloadTable(workloads: readonly Workload[]): string {
  return table(
    ['Id', 'Name', 'State', 'Disks', 'Behind', 'Attention'],
    workloads.map((item) => [
      item.id.slice(0, 8),
      item.name,
      item.currentJobId === undefined ? item.state : `${item.state}, job ${item.currentJobId.slice(0, 8)}`,
      `${item.disks.length} (${showBytes(sizeOf(item))})`,
      lagOf(item),
      item.attention?.detail ?? '',
    ]),
    'There are no workloads yet; add one with: ossea-agent workload add <vm>',
  );
}

/** All about a workload. */
export function describeWorkload(workload: Workload): string {
  const { settings } = workload;
  const head = fields([
    ['Workload', `${workload.name} (${workload.id})`],
    ['State', workload.state],
    [
      'Attention',
      workload.attention && `${workload.attention.detail} ${workload.attention.remedy ?? ''}`.trim(),
    ],
    ['Job', workload.currentJobId],
    ['Behind its source', lagOf(workload)],
    ['VM', `${workload.moRef}, ${workload.instanceUuid}`],
    ['Target name', settings.targetName],
    [
      'Bandwidth',
      settings.bandwidthLimit === undefined ? 'no limit' : `${showBytes(settings.bandwidthLimit)}/s`,
    ],
    ['Quiesce', settings.quiesce],
    ['Verify', settings.verify],
  ]);
  const disks = table(
    ['Disk', 'Key', 'Capacity', 'Volume', 'Transport'],
    workload.disks.map((disk) => [
      disk.label,
      String(disk.key),
      showBytes(disk.capacityBytes),
      disk.volumeName ?? 'none yet',
      disk.transport === undefined ? '' : `${disk.transport.kind}: ${disk.transport.reason}`,
    ]),
    'The VM has no disks.',
  );
  return `${head}\n\n${disks}`;
}

/** The verdict and what stands against it. */
export function describeReadiness(readiness: Readiness): string {
  const verdict = readiness.ready ? `${readiness.vm} is ready.` : `${readiness.vm} is not ready.`;
  if (readiness.concerns.length === 0) return verdict;
  const lines = readiness.concerns.map(
    ({ severity, subject, summary, remedy }) =>
      `${severity.padEnd(8)}  ${subject}: ${summary}\n${' '.repeat(10)}→ ${remedy}`,
  );
  return [verdict, ...lines].join('\n');
}
