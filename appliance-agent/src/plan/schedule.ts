import { Cron } from 'croner';
import { OsseaError, type Schedule } from '../contract/index.ts';

/** What is known of a workload's replications, for its schedule. */
export interface RunHistory {
  /** When the schedule began to count, such as when the workload was added. */
  readonly since: Date;
  readonly lastStartedAt?: Date | undefined;
  readonly lastEndedAt?: Date | undefined;
  /** How many ended badly, one after the other, up to now. */
  readonly failures: number;
}

/** Between the end of one cycle and the next of a continuous replication: what is changed at once should gather a little. */
const continuousPauseMs = 5_000;
const firstBackoffMs = 30_000;
const longestBackoffMs = 30 * 60_000;

/**
 * When the schedule starts the next replication; in the past where it is due. Undefined: never by itself. After failures it waits longer
 * each time, so that a workload that cannot be replicated does not take the turn of others.
 */
export function nextRun(schedule: Schedule, history: RunHistory): Date | undefined {
  const due = dueAt(schedule, history);
  if (!due || history.failures === 0 || !history.lastEndedAt) return due;
  const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(history.failures - 1, 10));
  return new Date(Math.max(due.getTime(), history.lastEndedAt.getTime() + backoffMs));
}

function dueAt(schedule: Schedule, { since, lastStartedAt, lastEndedAt }: RunHistory): Date | undefined {
  switch (schedule.kind) {
    case 'manual':
      return undefined;
    case 'interval':
      return lastStartedAt ? new Date(lastStartedAt.getTime() + schedule.minutes * 60_000) : since;
    case 'continuous':
      return lastEndedAt ? new Date(lastEndedAt.getTime() + continuousPauseMs) : since;
    case 'cron':
      return cronOf(schedule).nextRun(lastStartedAt ?? since) ?? undefined;
  }
}

/** @throws OsseaError `request.invalid` for an expression or time zone that cannot be read, or that never comes */
export function assertSchedule(schedule: Schedule): void {
  if (schedule.kind !== 'cron') return;
  if (cronOf(schedule).nextRun()) return;
  throw invalid('settings.schedule.expression', schedule.expression, 'it names no time that ever comes');
}

function cronOf({ expression, timeZone = 'UTC' }: Extract<Schedule, { kind: 'cron' }>): Cron {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw invalid('settings.schedule.timeZone', timeZone, 'it is no time zone, such as Europe/Vienna');
  }
  try {
    return new Cron(expression, { timezone: timeZone, paused: true, mode: '5-part' });
  } catch (error) {
    throw invalid('settings.schedule.expression', expression, error instanceof Error ? error.message : '');
  }
}

function invalid(field: string, value: string, why: string): OsseaError {
  return new OsseaError('request.invalid', `The schedule cannot be read: ${why}.`, {
    field,
    value,
    remedy: 'Give five fields, minute, hour, day, month and weekday, such as "0 */4 * * *".',
  });
}
