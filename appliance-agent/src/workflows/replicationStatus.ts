import type { CycleRecord, ReplicationStatus, Workload } from '../contract/index.ts';
import type { WorkflowParts } from './parts.ts';

/** Cycles that are told, and that churn is measured over. */
const toldCycles = 50;

/** How a workload's replication stands at a moment. */
export async function replicationStatus(
  { store }: WorkflowParts,
  workload: Workload,
  now: Date,
): Promise<ReplicationStatus> {
  const cycles = await store.cycles.list(workload.id, toldCycles);
  const { schedule, rpoGoalSeconds } = workload.settings;
  const lagSeconds =
    workload.replicatedUntil === undefined
      ? undefined
      : Math.max(0, (now.getTime() - Date.parse(workload.replicatedUntil)) / 1000);
  const churn = workload.disks.map(({ key, label }) => ({
    key,
    label,
    bytesPerSecond: churnOf(cycles, key),
  }));
  const churnBytesPerSecond = churn.reduce((sum, disk) => sum + disk.bytesPerSecond, 0);
  return {
    workloadId: workload.id,
    schedule,
    ...(lagSeconds !== undefined && { lagSeconds }),
    ...(rpoGoalSeconds !== undefined && { rpoGoalSeconds }),
    ...(rpoGoalSeconds !== undefined &&
      lagSeconds !== undefined && { goalMet: lagSeconds <= rpoGoalSeconds }),
    churn,
    churnBytesPerSecond,
    backlogBytes: Math.round(churnBytesPerSecond * (lagSeconds ?? 0)),
    cycles,
  };
}

/** Bytes a second that a disk changed over the deltas that are told. */
function churnOf(cycles: readonly CycleRecord[], key: number): number {
  let bytes = 0;
  let seconds = 0;
  for (const { pointAt, previousPointAt, disks } of cycles) {
    const disk = disks.find((each) => each.key === key);
    if (disk?.mode !== 'delta' || previousPointAt === undefined) continue;
    bytes += disk.changedBytes;
    seconds += (Date.parse(pointAt) - Date.parse(previousPointAt)) / 1000;
  }
  return seconds > 0 ? bytes / seconds : 0;
}
