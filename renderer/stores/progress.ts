import { create } from 'zustand';
import type { AgentEvent } from '../../appliance-agent/src/contract/index.ts';

export type Progress = Extract<AgentEvent, { kind: 'progress' }>;

/** Seconds of throughput that are kept for the live graphs. */
const window = 600;

interface ProgressState {
  /** The last sample of each running job, by job id. */
  readonly samples: ReadonlyMap<string, Progress>;
  /** Bytes per second over all jobs of an appliance, one point per sample, oldest first. */
  readonly throughput: ReadonlyMap<
    string,
    readonly { readonly at: number; readonly bytesPerSecond: number }[]
  >;
  add(applianceId: string, sample: Progress): void;
  forget(jobId: string): void;
}

/** Samples of progress: they come twice a second, and are worth nothing once the next one is there. */
export const useProgress = create<ProgressState>()((set) => ({
  samples: new Map(),
  throughput: new Map(),
  add: (applianceId, sample) =>
    set((state) => {
      const samples = new Map(state.samples).set(sample.jobId, sample);
      const at = Date.parse(sample.at) / 1000;
      const points = (state.throughput.get(applianceId) ?? []).filter((point) => point.at > at - window);
      let bytesPerSecond = 0;
      for (const one of samples.values()) bytesPerSecond += one.bytesPerSecond;
      return {
        samples,
        throughput: new Map(state.throughput).set(applianceId, [...points, { at, bytesPerSecond }]),
      };
    }),
  forget: (jobId) =>
    set((state) => {
      const samples = new Map(state.samples);
      samples.delete(jobId);
      return { samples };
    }),
}));
