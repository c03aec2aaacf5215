import type { Role } from '../../appliance-agent/src/contract/index.ts';
import type { ApplianceStatus } from '../../electron/ipc/contract.ts';

/** Whether the appliance answers. */
export function isReachable(status: Pick<ApplianceStatus, 'state'> | undefined): boolean {
  return status?.state === 'online' || status?.state === 'degraded';
}

/** When what is known of an appliance was so, while it does not answer; ISO 8601. Undefined: it answers, or is not known yet. */
export function lastKnownAt(
  status: Pick<ApplianceStatus, 'state' | 'since' | 'lastSeen'> | undefined,
): string | undefined {
  return status === undefined || isReachable(status) ? undefined : (status.lastSeen ?? status.since);
}

/** Why nothing can be changed on an appliance now, as a button's reason; undefined: it can. */
export function whyReadOnly(
  status: Pick<ApplianceStatus, 'state'> | undefined,
  role: Role | undefined,
): string | undefined {
  if (!isReachable(status)) return 'The appliance is offline: what is shown is the last known state';
  if (role === 'viewer') return 'The access token of this appliance allows to look, not to change';
  return undefined;
}
