import { useMemo } from 'react';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { useProgress } from '../../stores/progress.ts';
import { liveJob } from './liveJob.ts';

/** A job with what its last sample told; rendered again with each. */
export function useLiveJob(job: Job): Job {
  const sample = useProgress((state) => state.samples.get(job.id));
  return useMemo(() => liveJob(job, sample), [job, sample]);
}
