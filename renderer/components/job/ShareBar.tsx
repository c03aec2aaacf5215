import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes } from '../format.ts';
import { isOver } from './jobWords.ts';
import { shareOf } from './liveJob.ts';
import styles from './ShareBar.module.css';
import { useLiveJob } from './useLiveJob.ts';

/** How far a job is, for a row of a table; nothing while there is nothing to copy. */
export function ShareBar({ job }: { readonly job: Job }) {
  const now = useLiveJob(job);
  if (now.plannedBytes === 0 || now.kind === 'cleanup') return null;
  const percent = Math.floor(shareOf(now, isOver(now)) * 100);
  return (
    <span
      className={styles.share}
      title={`${formatBytes(now.doneBytes)} of ${formatBytes(now.plannedBytes)}`}
    >
      <progress className={styles.bar} max={100} value={percent} aria-label="Progress" />
      <span className={styles.percent}>{percent} %</span>
    </span>
  );
}
