import type { Role } from '../../appliance-agent/src/contract/index.ts';
import type { ApplianceStatus } from '../../electron/ipc/contract.ts';

/** Whether the appliance answers. */
export function isReachable(status: Pick<ApplianceStatus, 'state'> | undefined): boolean {
  return status?.state === 'online' || status?.state === 'degraded';
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
