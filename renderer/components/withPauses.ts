import type { RatePoint } from '../stores/progress.ts';

/** Seconds without a sample after which nothing was copied: samples come twice a second. */
const pauseSeconds = 5;

/** Points with zeros where nothing was copied in between, so that a graph does not lead from one copy to the next in a slope. */
export function withPauses(points: readonly RatePoint[]): readonly RatePoint[] {
  return points.flatMap((point, index) => {
    const next = points[index + 1];
    if (!next || next.at - point.at <= pauseSeconds) return [point];
    return [point, { at: point.at + 1, bytesPerSecond: 0 }, { at: next.at - 1, bytesPerSecond: 0 }];
  });
}
