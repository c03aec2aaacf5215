import { type Failover, OsseaError, type StartLiveFailover } from '../../contract/index.ts';
import { anotherRound } from '../../plan/forecast.ts';
import { budgetText } from '../../plan/liveRules.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { replicationStatus } from '../replicationStatus.ts';
import { runCycle } from '../runCycle.ts';
import { haveEndpoints, sourceRuns } from '../sourceVm.ts';
import { changeFailover } from './failoverRecord.ts';
import { remember } from './liveMemory.ts';

/** Stands for a forecast that is not known before the first cycle; step results have no infinity. */
const unknownSeconds = Number.MAX_SAFE_INTEGER;

/**
 * Repeats deltas while the guest runs, until the forecast downtime meets the budget, more rounds do not help, or there were enough; then attaches the
 * volumes, so that the last delta finds them in place.
 * @throws OsseaError `failover.not-ready` with the figures where the downtime would be over the budget and that is not accepted; what a
 * cycle throws
 */
export async function replicateAhead(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  { downtimeBudgetSeconds, maxRounds, acceptForecast }: StartLiveFailover,
): Promise<void> {
  const { store, sessions } = parts;
  const within = 'rounds';
  const forecasts: number[] = [];
  for (;;) {
    const number = forecasts.length + 1;
    const { seconds, text } = await run.step(
      `forecast-${number}`,
      async () => {
        const workload = await store.workloads.require(failover.workloadId);
        const { forecast } = await replicationStatus(parts, workload, new Date());
        return forecast
          ? { seconds: forecast.downtimeSeconds, text: budgetText(forecast, downtimeBudgetSeconds) }
          : { seconds: unknownSeconds, text: 'The downtime is not known before the first cycle.' };
      },
      { within, title: 'Forecast the downtime' },
    );
    forecasts.push(seconds);
    const { go, why } = anotherRound(forecasts, downtimeBudgetSeconds, maxRounds);
    if (go) {
      const cycle = { verify: 'delta' as const, heal: true };
      const label = `Round ${number}${forecastText(seconds, downtimeBudgetSeconds)}`;
      await runCycle(parts, run, failover.workloadId, cycle, { prefix: `round-${number}`, within, label });
      continue;
    }
    if (seconds > downtimeBudgetSeconds && !acceptForecast) {
      const error = new OsseaError('failover.not-ready', `${text} ${why}`, {
        field: 'downtimeBudgetSeconds',
        value: String(downtimeBudgetSeconds),
        remedy: 'Accept a longer downtime, raise the budget, or choose a quieter hour.',
      });
      await run.endStep(within, 'skipped', error.message);
      throw error;
    }
    break;
  }
  await run.step(
    'attach-ahead',
    async (signal) => {
      const workload = await store.workloads.require(failover.workloadId);
      await haveEndpoints(parts, run, workload, signal);
      const volumes = await sessions.volumes(workload.targetId);
      for (const { id, volumeId } of workload.disks) {
        if (volumeId !== undefined) await volumes.attach(id, signal);
      }
      return null;
    },
    { within, title: 'Attach the volumes' },
  );
  const rounds = forecasts.length - 1;
  const forecast = forecastText(forecasts.at(-1) ?? unknownSeconds, downtimeBudgetSeconds);
  await run.endStep(within, 'done', `${rounds} ${rounds === 1 ? 'round' : 'rounds'}${forecast}`);
}

/** Such as `, forecast 94 s of 120 s`; nothing where it is not known. */
function forecastText(seconds: number, budgetSeconds: number): string {
  if (seconds === unknownSeconds) return '';
  return `, forecast ${Math.round(seconds)} s of ${Math.round(budgetSeconds)} s`;
}

/**
 * Copies what the source wrote since the last round, from the VM that is off, and remembers how it was then.
 * @param ranSince see `CycleRequest`
 */
export async function copyLastChanges(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  { verify }: StartLiveFailover,
  ranSince: string | undefined,
): Promise<void> {
  const within = 'final';
  const cycle = { verify, heal: true, quiesce: false, last: true, ranSince };
  const { record, mark } = await runCycle(parts, run, failover.workloadId, cycle, { prefix: within, within });
  await run.step(
    'final.point',
    async () => {
      if (record.consistency !== 'powered-off') {
        throw sourceRuns({ name: failover.workloadName });
      }
      const point = { at: record.pointAt, consistency: record.consistency };
      await changeFailover(parts, failover.id, { point, loss: { seconds: 0, bytes: 0 } });
      await remember(parts, failover.id, { final: point, ...(mark && { mark }) });
      return null;
    },
    { within, title: 'Record the point in time' },
  );
  await run.endStep(within, 'done');
}
