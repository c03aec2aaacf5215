import {
  IconAlertOctagon,
  IconBan,
  IconCircleCheck,
  IconClock,
  IconHourglass,
  IconPlayerPlay,
  IconUserExclamation,
} from '@tabler/icons-react';
import type { Job } from '../../../appliance-agent/src/contract/index.ts';
import styles from './JobState.module.css';
import { needsPerson, stateWords } from './jobWords.ts';

const looks = {
  queued: { Icon: IconClock, color: 'var(--mantine-color-dimmed)' },
  running: { Icon: IconPlayerPlay, color: 'var(--mantine-color-blue-6)' },
  waiting: { Icon: IconHourglass, color: 'var(--mantine-color-dimmed)' },
  succeeded: { Icon: IconCircleCheck, color: 'var(--mantine-color-teal-6)' },
  failed: { Icon: IconAlertOctagon, color: 'var(--mantine-color-red-6)' },
  cancelled: { Icon: IconBan, color: 'var(--mantine-color-dimmed)' },
} as const satisfies Record<Job['state'], unknown>;
const forPerson = { Icon: IconUserExclamation, color: 'var(--mantine-color-orange-6)' };

/** A job's state by shape and word, in colour where it wants someone; plain, as every row of a table holds one. */
export function JobState({ job }: { readonly job: Job }) {
  const { Icon, color } = needsPerson(job) ? forPerson : looks[job.state];
  return (
    <span className={styles.state}>
      <Icon size={15} color={color} aria-hidden />
      {stateWords[job.state]}
      {needsPerson(job) && <span className={styles.hidden}>, needs someone</span>}
    </span>
  );
}
