import type { DiskProgress, Job } from '../../../appliance-agent/src/contract/index.ts';
import type { Progress } from '../../stores/progress.ts';

/** Whether nothing of a disk is left to be copied. */
export const isCopied = ({ phase }: Pick<DiskProgress, 'phase'>) => phase === 'done' || phase === 'failed';

/**
 * A job with the counters of its last sample. Within a copy counters only grow, so that the larger of the two is the newer one, whichever
 * came last; a sample of a disk that the job knows as copied is of the next copy, as of another round before a cutover.
 */
export function liveJob(job: Job, sample: Progress | undefined): Job {
  if (!sample || job.state !== 'running') return job;
  const newer = new Map(sample.disks.map((disk) => [disk.key, disk]));
  let anew = false;
  const disks = job.disks.map((disk) => {
    const sampled = newer.get(disk.key);
    newer.delete(disk.key);
    if (!sampled) return disk;
    const next = isCopied(disk) && !isCopied(sampled);
    anew ||= next;
    return next || sampled.readBytes + sampled.doneBytes >= disk.readBytes + disk.doneBytes ? sampled : disk;
  });
  disks.push(...newer.values());
  const { etaSeconds: _, ...known } = job;
  const [planned, done] = [sum(disks, 'plannedBytes'), sum(disks, 'doneBytes')];
  return {
    ...known,
    disks,
    plannedBytes: anew ? planned : Math.max(job.plannedBytes, planned),
    doneBytes: anew ? done : Math.max(job.doneBytes, done),
    bytesPerSecond: sample.bytesPerSecond,
    ...(sample.etaSeconds !== undefined && { etaSeconds: sample.etaSeconds }),
  };
}

function sum(disks: readonly DiskProgress[], counter: 'plannedBytes' | 'doneBytes'): number {
  return disks.reduce((total, disk) => total + disk[counter], 0);
}

/** Between 0 and 1. What has nothing to copy is done when its job or disk is. */
export function shareOf(
  { plannedBytes, doneBytes }: { readonly plannedBytes: number; readonly doneBytes: number },
  over: boolean,
): number {
  if (plannedBytes === 0) return over ? 1 : 0;
  return Math.min(1, doneBytes / plannedBytes);
}

const parts = {
  source: 'reading the source',
  digest: 'computing digests',
  target: 'writing the target',
  throttle: 'the bandwidth limit',
} as const;
type Part = keyof typeof parts;
const partNames: readonly Part[] = ['source', 'digest', 'target', 'throttle'];

/** From which share of the time on a part is worth naming. */
const noteworthyShare = 0.25;

/**
 * What the copy waited for most, such as `62 % of the time went into reading the source.`, over all disks that move;
 * undefined while nothing holds it up.
 */
export function bottleneckOf(disks: readonly DiskProgress[]): string | undefined {
  const measured = disks.flatMap(({ phase, waits }) => (waits && phase !== 'done' ? [waits] : []));
  if (measured.length === 0) return undefined;
  const [worst] = partNames
    .map((part) => ({
      part,
      share: measured.reduce((total, waits) => total + waits[part], 0) / measured.length,
    }))
    .toSorted((a, b) => b.share - a.share);
  if (!worst || worst.share < noteworthyShare) return undefined;
  return `${Math.round(worst.share * 100)} % of the time went into ${parts[worst.part]}.`;
}
