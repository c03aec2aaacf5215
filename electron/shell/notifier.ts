import type { AgentEvent, Failover, Job } from '../../appliance-agent/src/contract/index.ts';
import type { ProfileId, Settings } from '../ipc/contract.ts';

/** A notification that opens what it speaks of. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly path: string;
  /** Somebody has to act: it stays until it is seen, where the desktop lets it. */
  readonly urgent?: boolean;
}

type Wanted = Pick<Settings, 'notifyFinished' | 'notifyAttention'>;

const kinds: Record<Job['kind'], string> = {
  replicate: 'Replication',
  verify: 'Verification',
  cleanup: 'Cleanup',
  'test-failover': 'Test failover',
  'live-failover': 'Cutover',
  commit: 'Commit',
  rollback: 'Rollback',
  'failover-cleanup': 'Cleanup',
};

/**
 * What to tell of a job's change: its end, or that it needs someone. Undefined where there is nothing to tell. A failure is told
 * under *attention*, as someone has to act.
 */
export function noticeOf(applianceId: ProfileId, job: Job, settings: Wanted): Notice | undefined {
  const subject = job.workloadName ?? 'the appliance';
  const path = `${placeOf(job)}appliance=${applianceId}`;
  const kind = kinds[job.kind];
  if (job.state === 'succeeded' && settings.notifyFinished) {
    return { title: `${kind} of ${subject} finished`, body: summary(job), path };
  }
  if (job.state === 'failed' && settings.notifyAttention) {
    const body = [job.problem?.detail, job.problem?.remedy].filter(Boolean).join(' ');
    return { title: `${kind} of ${subject} failed`, body, path, urgent: true };
  }
  // What a cutover asks is told with its failover.
  const asks = job.waitReason === 'person' && job.kind !== 'live-failover';
  if (job.state === 'waiting' && settings.notifyAttention && (job.waitReason === 'credentials' || asks)) {
    return {
      title: `${kind} of ${subject} needs you`,
      body: job.message ?? 'It waits for credentials.',
      path,
      urgent: true,
    };
  }
  return undefined;
}

/** Where a job is dealt with: the VM that a failover brought up, on the screen of the failover. */
function placeOf({ id, kind, state, workloadId }: Job): string {
  if (workloadId !== undefined && state === 'succeeded') {
    if (kind === 'test-failover') return `/workloads/${workloadId}/cutover?kind=test&`;
    if (kind === 'live-failover') return `/workloads/${workloadId}/cutover?kind=live&`;
  }
  return `/jobs/${id}?`;
}

/** What to tell of a failover: that it asks something, or that its time is over, which no job says. */
function noticeOfFailover(applianceId: ProfileId, failover: Failover, settings: Wanted): Notice | undefined {
  const { id, state, problem, question, workloadId, workloadName } = failover;
  const path = `/workloads/${workloadId}/cutover/${id}?appliance=${applianceId}`;
  const told = (title: string, body: string) => ({ title, body, path, urgent: true });
  if (!settings.notifyAttention) return undefined;
  if (question) return told(`The cutover of ${workloadName} needs you`, question.text);
  if (!problem) return undefined;
  const body = [problem.detail, problem.remedy].filter(Boolean).join(' ');
  if (state === 'expired') return told(`The window for the cutover of ${workloadName} passed`, body);
  if (state === 'active' && problem.code === 'failover.undecided')
    return told(`Commit or roll back ${workloadName}`, body);
  return undefined;
}

function summary(job: Job): string {
  const disks = job.reports.length;
  const verified = job.reports.filter((report) => report.verified).length;
  if (disks === 0) return 'Done.';
  return `${verified} of ${disks} ${disks === 1 ? 'disk' : 'disks'} verified.`;
}

/** Tells each change of a job or a failover once: events may come again after a reconnect. */
export class Notifier {
  readonly #show: (notice: Notice) => void;
  readonly #settings: () => Wanted;
  readonly #told = new Map<string, string>();
  /** The moments of questions. Of one that is open, events that are older may come after it. */
  readonly #asked = new Set<string>();

  constructor(settings: () => Wanted, show: (notice: Notice) => void) {
    this.#settings = settings;
    this.#show = show;
  }

  /** Takes in an event of an appliance. */
  take(applianceId: ProfileId, event: AgentEvent): void {
    if (event.kind === 'failover') this.takeFailover(applianceId, event.failover);
    if (event.kind !== 'job') return;
    const { job } = event;
    const notice = noticeOf(applianceId, job, this.#settings());
    this.#tell(job.id, `${job.state} ${job.waitReason ?? ''}`, notice);
  }

  /** Takes in a failover as its appliance tells it, by an event or when it is asked. */
  takeFailover(applianceId: ProfileId, failover: Failover): void {
    const { id, state, problem, question } = failover;
    const notice = noticeOfFailover(applianceId, failover, this.#settings());
    if (question) {
      const asked = `${id} ${question.since}`;
      if (notice && !this.#asked.has(asked)) this.#show(notice);
      this.#asked.add(asked);
    } else this.#tell(id, `${state} ${problem?.code ?? ''}`, notice);
  }

  #tell(id: string, change: string, notice: Notice | undefined): void {
    if (this.#told.get(id) === change) return;
    this.#told.set(id, change);
    if (notice) this.#show(notice);
  }
}
