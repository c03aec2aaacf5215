import {
  type CloudNetwork,
  type CycleRecord,
  guestAddressText,
  keepsMac,
  type Readiness,
  type ReplicationStatus,
  type Schedule,
  type Workload,
} from '../contract/index.ts';
import { fields, table } from './output.ts';
import { showBytes, showDuration, showRate } from './quantities.ts';

function lagOf({ replicatedUntil }: Workload): string {
  return replicatedUntil === undefined
    ? 'no replica'
    : showDuration(Math.max(0, Date.now() - Date.parse(replicatedUntil)) / 1000);
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

/** All about a workload. @param networks of its target, for their names */
export function describeWorkload(workload: Workload, networks: readonly CloudNetwork[] = []): string {
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
    ['Schedule', showSchedule(settings.schedule)],
    ['Conversion', `${settings.conversion.kind}, ${settings.conversion.hardware}`],
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
  return [head, disks, ...adaptersOf(workload, networks)].join('\n\n');
}

/** The network adapters that have settings of their own. */
function adaptersOf({ settings }: Workload, networks: readonly CloudNetwork[]): string[] {
  const { nics, conversion } = settings;
  const keys = [...new Set([...nics, ...conversion.addresses].map(({ key }) => key))].sort((a, b) => a - b);
  if (keys.length === 0) return [];
  const nameOf = (id: string | undefined) =>
    id === undefined ? undefined : (networks.find((network) => network.id === id)?.name ?? id);
  const rows = keys.map((key) => {
    const nic = nics.find((one) => one.key === key);
    const written = conversion.addresses.find((one) => one.key === key);
    return [
      String(key),
      nameOf(nic?.networkId) ?? 'the target’s',
      nameOf(nic?.testNetworkId) ?? 'chosen with it',
      keepsMac(settings, key) ? 'kept' : 'a new one',
      nic?.address ?? 'CloudStack chooses',
      written === undefined ? 'as they are' : guestAddressText(written),
    ];
  });
  return [table(['Adapter', 'Network', 'In a test', 'MAC', 'Address', 'Addresses in the guest'], rows, '')];
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

/** A schedule in words. */
export function showSchedule(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'interval':
      return `every ${showDuration(schedule.minutes * 60)}`;
    case 'cron':
      return `cron ${schedule.expression} ${schedule.timeZone ?? 'UTC'}`;
    case 'manual':
    case 'continuous':
      return schedule.kind;
  }
}

/** Lag, churn, forecast and the last cycles. */
export function describeReplication(name: string, status: ReplicationStatus): string {
  const { lagSeconds, rpoGoalSeconds, goalMet, forecast, nextRunAt, heldBecause } = status;
  const goal =
    rpoGoalSeconds === undefined
      ? ''
      : `, agreed ${showDuration(rpoGoalSeconds)}: ${goalMet === false ? 'broken' : 'kept'}`;
  const head = fields([
    ['Workload', name],
    ['Behind its source', lagSeconds === undefined ? 'no replica yet' : `${showDuration(lagSeconds)}${goal}`],
    ['Schedule', showSchedule(status.schedule)],
    ['Next run', heldBecause ?? nextRunAt],
    ['Churn', `${showRate(status.churnBytesPerSecond)}, ${showBytes(status.backlogBytes)} since the point`],
    ['Cutover now', forecast && `${showDuration(forecast.downtimeSeconds)} of downtime`],
    ...(forecast?.parts ?? []).map((part): [string, string] => [
      `  ${part.name}`,
      showDuration(part.seconds),
    ]),
    ['Basis', forecast?.basis],
    [
      'Converges',
      forecast && (forecast.converges ? 'yes' : 'no: the source changes faster than it can be copied'),
    ],
  ]);
  const shown = status.cycles.slice(0, 10);
  const cycles = table(
    ['Point', 'Took', 'Changed', 'Read', 'Written', 'How'],
    shown.map(cycleRow),
    'No cycle is complete yet.',
  );
  return [head, cycles, causes(shown)].filter(Boolean).join('\n\n');
}

/** Why disks were not copied by their changed blocks alone, and what grew; each cause once, where it was met last. */
function causes(cycles: readonly CycleRecord[]): string {
  const told = new Set<string>();
  return cycles
    .flatMap(({ pointAt, disks }) =>
      disks.flatMap(({ label, reason, detail, grownBytes }) => [
        ...(grownBytes === undefined
          ? []
          : [{ pointAt, text: `${label}: It grew by ${showBytes(grownBytes)}.` }]),
        ...(detail === undefined || reason === 'first' ? [] : [{ pointAt, text: `${label}: ${detail}` }]),
      ]),
    )
    .filter(({ text }) => told.size < told.add(text).size)
    .map(({ pointAt, text }) => `${pointAt}  ${text}`)
    .join('\n');
}

function cycleRow({ pointAt, startedAt, endedAt, disks }: CycleRecord): string[] {
  const sum = (bytesOf: (disk: CycleRecord['disks'][number]) => number) =>
    showBytes(disks.reduce((total, disk) => total + bytesOf(disk), 0));
  return [
    pointAt,
    showDuration((Date.parse(endedAt) - Date.parse(startedAt)) / 1000),
    sum(({ changedBytes }) => changedBytes),
    sum(({ readBytes }) => readBytes),
    sum(({ writtenBytes }) => writtenBytes),
    [...new Set(disks.map(({ mode, reason }) => (reason === undefined ? mode : `${mode} (${reason})`)))].join(
      ', ',
    ),
  ];
}
