import type { Failover, Problem } from '../../contract/index.ts';
import { cancelError, type JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import { changeFailover } from './failoverRecord.ts';
import { finishTestJob } from './finishTestJob.ts';
import { removeClones, removeLedgered, removeVm } from './remains.ts';
import { leaveTestNetwork } from './testReach.ts';

/**
 * Ends a test wherever it is: its VM, clones, snapshots and networks go, and the workload is as it was before. May be repeated, also after one that
 * was cut off, and after everything is gone.
 */
export async function cleanUpTest(parts: WorkflowParts, run: JobRun, failoverId: string): Promise<void> {
  const { store } = parts;
  const failover = await changeFailover(parts, failoverId, { state: 'cleaning', jobId: run.jobId });
  const { workloadId } = failover;
  let failure: Problem | undefined;
  try {
    const removal = (
      name: string,
      work: (failover: Failover, signal: AbortSignal) => Promise<void>,
    ): Promise<null> =>
      run.step(name, async (signal) => {
        await work(failover, signal);
        return null;
      });
    await removal('leave', (test, signal) => leaveTestNetwork(parts, run, test, signal));
    await removal('vm', (test, signal) => removeVm(parts, run, test, signal));
    await removal('clones', (test, signal) => removeClones(parts, run, test, signal));
    await removal('snapshots', (test, signal) => removeLedgered(parts, run, test, 'volume-snapshot', signal));
    await removal('network', (test, signal) => removeLedgered(parts, run, test, 'network', signal));
    await run.step('end', async () => {
      const workload = await store.workloads.get(workloadId);
      if (workload?.state === 'testing') await store.workloads.update(workloadId, { state: 'protected' });
      const { problem } = failover;
      // What the test needed a person for is over; what a replication needs one for is not.
      if (problem && workload?.attention?.detail === problem.detail) {
        await store.workloads.update(workloadId, { attention: null });
      }
      await changeFailover(parts, failoverId, { state: 'cleaned', endedAt: new Date().toISOString() });
      return null;
    });
  } catch (error) {
    failure = run.cancelled ? stopped(failover) : run.problemOf(error);
    await changeFailover(parts, failoverId, { state: 'interrupted', problem: failure });
  }
  await finishTestJob(parts, run, workloadId, failure);
}

function stopped({ workloadName }: Failover): Problem {
  return {
    ...cancelError().toProblem(),
    detail: `The end of the test of ${workloadName} was cancelled.`,
    remedy: 'End the test again: it goes on with what is left.',
  };
}
