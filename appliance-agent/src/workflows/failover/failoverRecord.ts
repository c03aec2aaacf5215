import type { Failover } from '../../contract/index.ts';
import type { WorkflowParts } from '../parts.ts';

/** Changes a failover's record and tells it; undefined takes a member back. */
export async function changeFailover(
  { store, hub }: WorkflowParts,
  id: string,
  change: { readonly [K in keyof Failover]?: Failover[K] | undefined },
): Promise<Failover> {
  const failover = await store.failovers.update(id, change);
  await hub.publish({ kind: 'failover', at: new Date().toISOString(), failover });
  return failover;
}
