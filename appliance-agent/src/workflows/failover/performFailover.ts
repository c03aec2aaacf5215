import type { JobFacts } from '../../store/jobs.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { FailoverCleanupJob, FailoverJob } from './failoverJobs.ts';
import { cleanUpTest } from './testCleanup.ts';
import { testFailover } from './testFailover.ts';

/** Does the job of a failover, from its first step to its last. */
export async function performFailover(parts: WorkflowParts, facts: JobFacts, run: JobRun): Promise<void> {
  switch (facts.kind) {
    case 'test-failover':
      return testFailover(parts, run, FailoverJob.parse(facts.request).failoverId);
    case 'failover-cleanup': {
      const { of, failoverId } = FailoverCleanupJob.parse(facts.request);
      if (of === 'test') return cleanUpTest(parts, run, failoverId);
      break;
    }
  }
  throw new TypeError(`There is no workflow for ${facts.kind}`);
}
