import type { ReplicationStatus, Workload } from '../contract/index.ts';
import { type CutoverMeasures, churnOf, forecastOf } from '../plan/forecast.ts';
import { nextRun } from '../plan/schedule.ts';
import type { WorkflowParts } from './parts.ts';

/** Cycles that are told. */
const toldCycles = 50;

/** How a workload's replication stands at a moment. */
export async function replicationStatus(
  { store }: WorkflowParts,
  workload: Workload,
  now: Date,
): Promise<ReplicationStatus> {
  const cycles = await store.cycles.list(workload.id, toldCycles);
  const { schedule, rpoGoalSeconds } = workload.settings;
  const { replicatedUntil } = workload;
  const lagSeconds =
    replicatedUntil === undefined
      ? undefined
      : Math.max(0, (now.getTime() - Date.parse(replicatedUntil)) / 1000);
  const churn = workload.disks.map(({ key, label }) => ({
    key,
    label,
    bytesPerSecond: churnOf(cycles, key),
  }));
  const churnBytesPerSecond = churn.reduce((sum, disk) => sum + disk.bytesPerSecond, 0);
  const forecast =
    lagSeconds === undefined
      ? undefined
      : forecastOf(cycles, lagSeconds, await cutoverMeasures(store, workload));
  const heldBecause = holdOf(workload);
  const history = await store.schedules.history(workload.id, await store.schedules.since(workload.id));
  const next = heldBecause === undefined ? nextRun(schedule, history) : undefined;
  return {
    workloadId: workload.id,
    schedule,
    ...(next && { nextRunAt: new Date(Math.max(next.getTime(), now.getTime())).toISOString() }),
    ...(heldBecause !== undefined && schedule.kind !== 'manual' && { heldBecause }),
    ...(lagSeconds !== undefined && { lagSeconds }),
    ...(rpoGoalSeconds !== undefined && { rpoGoalSeconds }),
    ...(rpoGoalSeconds !== undefined &&
      lagSeconds !== undefined && { goalMet: lagSeconds <= rpoGoalSeconds }),
    churn,
    churnBytesPerSecond,
    backlogBytes: Math.round(churnBytesPerSecond * (lagSeconds ?? 0)),
    ...(forecast && { forecast }),
    cycles,
  };
}

/** What earlier failovers of the workload measured of the cutover's parts. */
async function cutoverMeasures(
  { failovers }: WorkflowParts['store'],
  { id, settings }: Workload,
): Promise<CutoverMeasures> {
  const measures = await failovers.measures(id);
  return settings.conversion.kind === 'none' ? { ...measures, conversionSeconds: 0 } : measures;
}

/** Why the schedule does not replicate the workload now. */
function holdOf({ state, currentJobId }: Workload): string | undefined {
  if (state === 'failed-over') return 'The workload was failed over; commit it or roll it back.';
  if (state === 'migrated') return 'The workload was migrated.';
  if (currentJobId !== undefined) return 'A job works on the replica.';
  return undefined;
}
