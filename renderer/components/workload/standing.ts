import type { Failover } from '../../../appliance-agent/src/contract/index.ts';

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** What a failover that was scheduled or stands asks for, with its time; undefined where it has none. */
export function standingText({ state, kind, request, commitBy, leaseEndsAt }: Failover): string | undefined {
  const words = (what: string, at: string | undefined) =>
    at === undefined ? undefined : `${what} ${moment.format(new Date(at))}`;
  if (state === 'scheduled')
    return words('Cutover begins', request.kind === 'live' ? request.startAt : undefined);
  return kind === 'test'
    ? words('Look at the test, which ends', leaseEndsAt)
    : words('Commit or roll back by', commitBy);
}
