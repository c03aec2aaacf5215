import { useQuery } from '@tanstack/react-query';
import { invoke } from '../app/bridge.ts';
import { lastKnownAt } from './readOnly.ts';

/**
 * When what is known of an appliance was so, while it does not answer; ISO 8601. Undefined: it answers. An answer that was read a moment
 * before the connection was lost is old from then on, though nobody has asked again.
 */
export function useLastKnownAt(applianceId: string | undefined): string | undefined {
  return useQuery({
    queryKey: ['appliances.status'],
    queryFn: () => invoke('appliances.status'),
    select: (statuses) => lastKnownAt(statuses.find(({ id }) => id === applianceId)),
  }).data;
}
