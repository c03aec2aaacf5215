import type { Job } from '../../appliance-agent/src/contract/index.ts';
import type { ProfileId, Settings } from '../ipc/contract.ts';

/** A notification that opens what it speaks of. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly path: string;
}

const kinds: Record<Job['kind'], string> = {
  replicate: 'Replication',
  verify: 'Verification',
  cleanup: 'Cleanup',
  'test-failover': 'Test failover',
  'live-failover': 'Failover',
  commit: 'Commit',
  rollback: 'Rollback',
  'failover-cleanup': 'Cleanup',
};

/**
 * What to tell of a job's change: its end, or that it needs someone. Undefined where there is nothing to tell. A failure is told
 * under *attention*, as someone has to act.
 */
export function noticeOf(
  applianceId: ProfileId,
  job: Job,
  settings: Pick<Settings, 'notifyFinished' | 'notifyAttention'>,
): Notice | undefined {
  const subject = job.workloadName ?? 'the appliance';
  const path = `/jobs/${job.id}?appliance=${applianceId}`;
  const kind = kinds[job.kind];
  if (job.state === 'succeeded' && settings.notifyFinished) {
    return { title: `${kind} of ${subject} finished`, body: summary(job), path };
  }
  if (job.state === 'failed' && settings.notifyAttention) {
    const body = [job.problem?.detail, job.problem?.remedy].filter(Boolean).join(' ');
    return { title: `${kind} of ${subject} failed`, body, path };
  }
  if (
    job.state === 'waiting' &&
    settings.notifyAttention &&
    (job.waitReason === 'credentials' || job.waitReason === 'person')
  ) {
    return {
      title: `${kind} of ${subject} needs you`,
      body: job.message ?? 'It waits for credentials.',
      path,
    };
  }
  return undefined;
}

function summary(job: Job): string {
  const disks = job.reports.length;
  const verified = job.reports.filter((report) => report.verified).length;
  if (disks === 0) return 'Done.';
  return `${verified} of ${disks} ${disks === 1 ? 'disk' : 'disks'} verified.`;
}

/** Tells each change of a job once: events may come again after a reconnect. */
export class Notifier {
  readonly #show: (notice: Notice) => void;
  readonly #settings: () => Settings;
  readonly #told = new Map<string, string>();

  constructor(settings: () => Settings, show: (notice: Notice) => void) {
    this.#settings = settings;
    this.#show = show;
  }

  /** Takes in a job as an event of its appliance tells it. */
  take(applianceId: ProfileId, job: Job): void {
    const change = `${job.state} ${job.waitReason ?? ''}`;
    if (this.#told.get(job.id) === change) return;
    this.#told.set(job.id, change);
    const notice = noticeOf(applianceId, job, this.#settings());
    if (notice) this.#show(notice);
  }
}
