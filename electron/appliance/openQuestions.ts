import { z } from 'zod';
import { Failover } from '../../appliance-agent/src/contract/index.ts';
import type { ProfileId } from '../ipc/contract.ts';
import type { Fleet } from './fleet.ts';

const Failovers = z.object({ items: z.array(Failover) });

/**
 * Failovers of an appliance that stand still until a person answers. Their events may be older than this console is: whoever opens it
 * while a question is open must hear of it all the same.
 */
export async function openQuestions(
  fleet: Pick<Fleet, 'ask'>,
  applianceId: ProfileId,
): Promise<readonly Failover[]> {
  const { items } = Failovers.parse(
    await fleet.ask(applianceId, 'listFailovers', { query: { state: 'running' } }),
  );
  return items.filter(({ question }) => question !== undefined);
}
