import { Elapsed } from '../../components/Elapsed.tsx';
import type { WorkloadRow } from './workloadRow.ts';

const tickMs = 10_000;

/** How far a replica is behind its VM (the RPO that would be met now). */
export function Behind({ behind, cachedAt }: Pick<WorkloadRow, 'behind' | 'cachedAt'>) {
  return behind === undefined ? null : <Elapsed from={behind} to={cachedAt} tickMs={tickMs} />;
}
