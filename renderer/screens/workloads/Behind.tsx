import { Elapsed } from '../../components/Elapsed.tsx';
import { formatDuration } from '../../components/format.ts';
import type { WorkloadRow } from './workloadRow.ts';

const tickMs = 10_000;

type Props = Pick<WorkloadRow, 'behind' | 'cachedAt'> & {
  /** What was agreed: more than this is told in red. */
  readonly goalSeconds?: number | undefined;
};

/** How far a replica is behind its VM (the RPO that would be met now). */
export function Behind({ behind, cachedAt, goalSeconds }: Props) {
  if (behind === undefined) return null;
  return (
    <>
      <Elapsed from={behind} to={cachedAt} tickMs={tickMs} longestSeconds={goalSeconds} />
      {goalSeconds !== undefined && ` of ${formatDuration(goalSeconds)}`}
    </>
  );
}
