import type { CycleDiskRecord, FullReason, Schedule } from '../../../appliance-agent/src/contract/index.ts';
import { formatDuration } from '../../components/format.ts';

const reasons: Record<FullReason, string> = {
  first: 'first copy',
  'new-disk': 'new disk',
  'journal-lost': 'the journal of its replica was lost',
  'cbt-off': 'changed block tracking is off',
  'cbt-reset': 'changed block tracking was reset',
  'cbt-reverted': 'the VM was reverted',
  'cbt-refused': 'vCenter did not tell the changed blocks',
  'no-random-access': 'the transport reads only whole disks',
};

/** How a cycle brought a disk up to date, and why not by its changed blocks. */
export function modeOf({ mode, reason }: Pick<CycleDiskRecord, 'mode' | 'reason'>): string {
  const words = { delta: 'changed blocks', compare: 'compared as a whole', full: 'copied as a whole' }[mode];
  return reason === undefined ? words : `${words}, ${reasons[reason]}`;
}

/** A schedule in words. */
export function scheduleWords(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'manual':
      return 'By hand';
    case 'continuous':
      return 'Continuously';
    case 'interval':
      return `Every ${formatDuration(schedule.minutes * 60)}`;
    case 'cron':
      return `${schedule.expression}, ${schedule.timeZone ?? 'UTC'}`;
  }
}
