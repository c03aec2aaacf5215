import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { useLiveJob } from './useLiveJob.ts';

/** What a job that runs has still to copy, or how long that will take. */
export function Remaining({ job, what }: { readonly job: Job; readonly what: 'bytes' | 'time' }) {
  const now = useLiveJob(job);
  if (what === 'bytes')
    return now.plannedBytes > 0 && formatBytes(Math.max(0, now.plannedBytes - now.doneBytes));
  return now.state === 'running' && now.etaSeconds !== undefined && formatDuration(now.etaSeconds);
}
