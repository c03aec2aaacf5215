import type { CycleRecord, DeviceKey, ReplicationStatus } from '../contract/index.ts';

type Forecast = NonNullable<ReplicationStatus['forecast']>;

/** Cycles that a measure rests on: enough to even out, few enough to follow a change. */
const recentCycles = 10;

/** What was measured of the target's side, where it was. Seconds. */
export interface CutoverMeasures {
  /** From the guest's shutdown being asked for until it was off. */
  readonly shutdownSeconds?: number | undefined;
  /** Preparing the guest; 0 where it is not prepared. */
  readonly conversionSeconds?: number | undefined;
  /** Making and starting the VM. */
  readonly vmSeconds?: number | undefined;
}

/** Until something is measured. Seconds. */
const assumed = { shutdown: 60, conversion: 480, vm: 45, overhead: 15 } as const;

/** Bytes a second that a disk changes, over its recent deltas; 0 where none is known. */
export function churnOf(cycles: readonly CycleRecord[], key: DeviceKey | number): number {
  let bytes = 0;
  let seconds = 0;
  for (const { pointAt, previousPointAt, disks } of cycles.slice(0, recentCycles)) {
    const disk = disks.find((each) => each.key === key);
    if (disk?.mode !== 'delta' || previousPointAt === undefined) continue;
    const span = secondsBetween(previousPointAt, pointAt);
    // The clock was set back in between.
    if (span <= 0) continue;
    bytes += disk.changedBytes;
    seconds += span;
  }
  return seconds > 0 ? bytes / seconds : 0;
}

/**
 * What a cutover would cost now: shutdown, the last delta with all that has changed since the point, preparing the guest, and the VM's start.
 * Undefined before the first complete cycle.
 *
 * @param cycles newest first
 * @param lagSeconds age of the replica's point
 */
export function forecastOf(
  cycles: readonly CycleRecord[],
  lagSeconds: number,
  measures: CutoverMeasures,
): Forecast | undefined {
  const [latest] = cycles;
  if (!latest) return undefined;
  const recent = cycles.slice(0, recentCycles);
  const keys = latest.disks.map(({ key }) => key);
  const churn = keys.reduce((sum, key) => sum + churnOf(cycles, key), 0);
  const rate = median(recent.flatMap(({ disks }) => disks.flatMap(rateOf)));
  const overhead = median(recent.map(overheadOf)) ?? assumed.overhead;
  const backlogBytes = churn * lagSeconds;
  const changedSeconds = rate === undefined ? 0 : backlogBytes / rate;
  const copySeconds = Math.max(changedSeconds, ...latest.disks.map(wholeSeconds));
  const parts = [
    { name: 'Guest shutdown', seconds: measures.shutdownSeconds ?? assumed.shutdown },
    { name: 'Last delta', seconds: overhead + copySeconds },
    { name: 'Guest preparation', seconds: measures.conversionSeconds ?? assumed.conversion },
    { name: 'VM on the target', seconds: measures.vmSeconds ?? assumed.vm },
  ];
  return {
    downtimeSeconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    parts,
    converges: rate === undefined || churn < rate,
    basis: basisOf(recent.length, measures),
  };
}

/** Whether another round before the shutdown is worth its time: the forecast is over the budget, and the last round brought it down. */
export function anotherRound(
  forecasts: readonly number[],
  budgetSeconds: number,
  maxRounds: number,
): { readonly go: boolean; readonly why: string } {
  const rounds = forecasts.length - 1;
  const now = forecasts.at(-1);
  const before = forecasts.at(-2);
  if (now === undefined || now <= budgetSeconds) return { go: false, why: 'The forecast meets the budget.' };
  if (rounds >= maxRounds) return { go: false, why: `${maxRounds} rounds are done.` };
  // Less than a twentieth is noise: what is left does not depend on the backlog any more.
  if (before !== undefined && now > before * 0.95) {
    return { go: false, why: 'The last round did not bring the forecast down any more.' };
  }
  return { go: true, why: 'The forecast is over the budget.' };
}

/** What a disk takes each time, however little has changed: one that is read whole. Seconds. */
function wholeSeconds({ transport, reason, seconds }: CycleRecord['disks'][number]): number {
  return transport === 'nfc' || reason === 'cbt-off' ? seconds : 0;
}

function rateOf({ readBytes, seconds }: CycleRecord['disks'][number]): number[] {
  // A few blocks say more about latency than about the rate.
  return readBytes >= 2 ** 20 && seconds > 0 ? [readBytes / seconds] : [];
}

/** What a cycle takes besides the copy of its slowest disk. Seconds. */
function overheadOf({ startedAt, endedAt, disks }: CycleRecord): number {
  const copy = Math.max(0, ...disks.map(({ seconds }) => seconds));
  return Math.max(0, secondsBetween(startedAt, endedAt) - copy);
}

function basisOf(cycles: number, measures: CutoverMeasures): string {
  const parts = [`the last ${cycles === 1 ? 'cycle' : `${cycles} cycles`}`];
  if (measures.vmSeconds !== undefined) parts.push('the last failover of this workload');
  const guessed = [
    ...(measures.shutdownSeconds === undefined ? ['shutdown'] : []),
    ...(measures.conversionSeconds === undefined ? ['guest preparation'] : []),
    ...(measures.vmSeconds === undefined ? ['VM start'] : []),
  ];
  const rest = guessed.length > 0 ? `; ${guessed.join(', ')} assumed until a test failover measures it` : '';
  return `Measured over ${parts.join(' and ')}${rest}.`;
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
