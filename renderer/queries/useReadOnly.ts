import { useAgentQuery } from './agent.ts';
import { useConsoleQuery } from './console.ts';
import { whyReadOnly } from './readOnly.ts';

/** Milliseconds: a token's role does not change. */
const staleTime = 600_000;

/** Why nothing can be changed on this appliance now, as a button's reason; undefined: it can. */
export function useReadOnly(applianceId: string | undefined): string | undefined {
  const status = useConsoleQuery('appliances.status').data?.find(({ id }) => id === applianceId);
  const role = useAgentQuery(applianceId, 'session', {}, { staleTime }).data?.data.role;
  return whyReadOnly(status, role);
}
