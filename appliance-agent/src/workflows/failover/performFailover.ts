import type { JobFacts } from '../../store/jobs.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';

/** Does the job of a failover, from its first step to its last. */
export async function performFailover(_parts: WorkflowParts, facts: JobFacts, _run: JobRun): Promise<void> {
  throw new TypeError(`There is no workflow for ${facts.kind}`);
}
