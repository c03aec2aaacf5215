import { create } from 'zustand';
import type { AgentEvent } from '../../appliance-agent/src/contract/index.ts';

export type Progress = Extract<AgentEvent, { kind: 'progress' }>;

/** Seconds of throughput that are kept for the live graphs. */
const window = 600;

/** Bytes a second at a moment, in seconds since 1970. */
export interface RatePoint {
  readonly at: number;
  readonly bytesPerSecond: number;
}

interface ProgressState {
  /** The last sample of each running job, by job id. */
  readonly samples: ReadonlyMap<string, Progress & { readonly applianceId: string }>;
  /** Bytes per second over all jobs of an appliance, one point per sample, oldest first. */
  readonly throughput: ReadonlyMap<string, readonly RatePoint[]>;
  /** The same of each running job, by job id. */
  readonly jobThroughput: ReadonlyMap<string, readonly RatePoint[]>;
  add(applianceId: string, sample: Progress): void;
  /** Nothing of the job is copied now: its last sample is worth nothing any more, its graph stays. */
  settle(jobId: string): void;
  forget(jobId: string): void;
}

function rateOf(samples: ProgressState['samples'], applianceId: string): number {
  let sum = 0;
  for (const one of samples.values()) if (one.applianceId === applianceId) sum += one.bytesPerSecond;
  return sum;
}

/** Samples of progress: they come twice a second, and are worth nothing once the next one is there. */
export const useProgress = create<ProgressState>()((set) => ({
  samples: new Map(),
  throughput: new Map(),
  jobThroughput: new Map(),
  add: (applianceId, sample) =>
    set((state) => {
      const samples = new Map(state.samples).set(sample.jobId, { ...sample, applianceId });
      const at = Date.parse(sample.at) / 1000;
      const kept = (points: readonly RatePoint[] = []) => points.filter((point) => point.at > at - window);
      const bytesPerSecond = rateOf(samples, applianceId);
      return {
        samples,
        throughput: new Map(state.throughput).set(applianceId, [
          ...kept(state.throughput.get(applianceId)),
          { at, bytesPerSecond },
        ]),
        jobThroughput: new Map(state.jobThroughput).set(sample.jobId, [
          ...kept(state.jobThroughput.get(sample.jobId)),
          { at, bytesPerSecond: sample.bytesPerSecond },
        ]),
      };
    }),
  settle: (jobId) => set((state) => withoutSample(state, jobId)),
  forget: (jobId) =>
    set((state) => {
      const jobThroughput = new Map(state.jobThroughput);
      jobThroughput.delete(jobId);
      return { ...withoutSample(state, jobId), jobThroughput };
    }),
}));

function withoutSample(
  state: Pick<ProgressState, 'samples' | 'throughput'>,
  jobId: string,
): Partial<ProgressState> {
  const last = state.samples.get(jobId);
  if (!last) return {};
  const samples = new Map(state.samples);
  samples.delete(jobId);
  // From its end on the appliance goes as fast as its other jobs do.
  const before = state.throughput.get(last.applianceId) ?? [];
  const end = {
    at: Math.max((before.at(-1)?.at ?? 0) + 0.001, Date.parse(last.at) / 1000),
    bytesPerSecond: rateOf(samples, last.applianceId),
  };
  return { samples, throughput: new Map(state.throughput).set(last.applianceId, [...before, end]) };
}
