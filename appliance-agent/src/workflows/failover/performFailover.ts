import type { JobFacts } from '../../store/jobs.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { FailoverCleanupJob, FailoverJob } from './failoverJobs.ts';
import { commitLive } from './liveCommit.ts';
import { liveFailover } from './liveFailover.ts';
import { CommitJob, LiveCleanupJob, RollbackJob } from './liveJobs.ts';
import { undoLive } from './liveUndoing.ts';
import { cleanUpTest } from './testCleanup.ts';
import { testFailover } from './testFailover.ts';

/** Does the job of a failover, from its first step to its last. */
export async function performFailover(parts: WorkflowParts, facts: JobFacts, run: JobRun): Promise<void> {
  switch (facts.kind) {
    case 'test-failover':
      return testFailover(parts, run, FailoverJob.parse(facts.request).failoverId);
    case 'live-failover':
      return liveFailover(parts, run, FailoverJob.parse(facts.request).failoverId);
    case 'commit':
      return commitLive(parts, run, CommitJob.parse(facts.request));
    case 'rollback':
      return undoLive(parts, run, { ...RollbackJob.parse(facts.request), outcome: 'rolled-back' });
    case 'failover-cleanup': {
      const { of, failoverId } = FailoverCleanupJob.parse(facts.request);
      if (of === 'test') return cleanUpTest(parts, run, failoverId);
      return undoLive(parts, run, { ...LiveCleanupJob.parse(facts.request), outcome: 'cleaned' });
    }
  }
  throw new TypeError(`There is no workflow for ${facts.kind}`);
}
