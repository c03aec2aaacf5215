import { type Concern, type Failover, OsseaError, type Problem } from '../../contract/index.ts';
import { liveConcerns } from '../../plan/liveRules.ts';
import { endedFailoverStates } from '../../store/failovers.ts';
import { finishJob } from '../finishJob.ts';
import { cancelError, type JobRun } from '../jobRun.ts';
import { tellWorkload, type WorkflowParts } from '../parts.ts';
import { haveEndpoints } from '../sourceVm.ts';
import { isAdmitted } from './admission.ts';
import { changeFailover } from './failoverRecord.ts';
import { fenceSource } from './fence.ts';
import { pointOf } from './freshPoint.ts';
import { copyLastChanges, replicateAhead } from './lastDelta.ts';
import { liveFacts } from './liveFacts.ts';
import { recall, remember } from './liveMemory.ts';
import { leftOf, releaseSource } from './liveRemains.ts';
import { protectReplica, restoreReplica } from './replicaProtection.ts';
import { restoreSourcePower, shutDownSource, startClock } from './shutdownSource.ts';
import { assertStill, markSource } from './sourceStillness.ts';
import { assertInWindow, expireIfLate, haveCredentialsInWindow, liveRequestOf } from './startWindow.ts';
import { bringUp } from './targetStart.ts';

const minuteMs = 60_000;

/**
 * The cutover: rounds, shutdown, last delta, fence, snapshots, guest, VM, proof. What fails or is cancelled before the target's VM ran leaves the failover
 * `interrupted` with what exists known, or ended where nothing does; a second job goes on from what the first one reached. Once the VM ran
 * the failover is `active`, whatever its proof says.
 */
export async function liveFailover(parts: WorkflowParts, run: JobRun, failoverId: string): Promise<void> {
  const { store } = parts;
  const before = await store.failovers.require(failoverId);
  if (!(await isAdmitted(parts, run, before, { states: ['scheduled', 'interrupted'], what: 'gone on with' })))
    return;
  if (await expireIfLate(parts, run, before)) return;
  // A process that ended after its last step finds the end recorded.
  const failover =
    before.state === 'active' || endedFailoverStates.some((state) => state === before.state)
      ? before
      : await changeFailover(parts, failoverId, { state: 'running', jobId: run.jobId, problem: undefined });
  const { workloadId } = failover;
  let failure: Problem | undefined;
  try {
    await cutOver(parts, run, failover);
  } catch (error) {
    failure = run.cancelled ? cancelled(failover) : run.problemOf(error);
  }
  const released = await release(parts, run, failover, failure);
  failure ??= released;
  const { startedAt } = await recall(parts, failoverId);
  if (startedAt) await activate(parts, failover, failure);
  else if (failure) await interrupt(parts, failover, failure);
  await finishJob(parts, run, workloadId, failure);
}

async function cutOver(parts: WorkflowParts, run: JobRun, failover: Failover): Promise<void> {
  const { store } = parts;
  const request = liveRequestOf(failover);
  const planned = request.mode === 'planned';
  const workloadNow = () => store.workloads.require(failover.workloadId);

  const { copied, down } = await run.step('readiness', (signal) =>
    checkReadiness(parts, run, failover, signal),
  );

  if (planned && !copied) {
    if (down) await run.endStep('rounds', 'skipped', 'The source is off since an earlier attempt.');
    else await replicateAhead(parts, run, failover, request);
    const { ranSince } = await run.step('shutdown', async (signal) => {
      const workload = await workloadNow();
      await haveEndpoints(parts, run, workload, signal);
      await assertInWindow(parts, failover);
      const asked = performance.now();
      const { how, ranSince } = await shutDownSource(parts, run, { failover, workload, request }, signal);
      if (how === 'guest') {
        await store.failovers.measure(failover.id, { shutdownSeconds: (performance.now() - asked) / 1000 });
      }
      return { how, ranSince };
    });
    await copyLastChanges(parts, run, failover, request, ranSince);
  } else {
    const why = copied ? 'It was done before.' : 'The source cannot be reached.';
    for (const name of ['rounds', 'shutdown', 'final']) await run.endStep(name, 'skipped', why);
  }

  if (planned) {
    await run.step('fence', async (signal) => {
      const workload = await workloadNow();
      await haveEndpoints(parts, run, workload, signal);
      await assertStill(parts, failover, workload, signal);
      if (!request.fenceSource) return null;
      await fenceSource(parts, { jobId: run.jobId, failover, workload }, signal);
      await markSource(parts, failover, workload, signal);
      return null;
    });
  } else await run.endStep('fence', 'skipped', 'It is fenced when it can be reached again.');

  await run.step('protect', async (signal) => {
    await protectReplica(parts, run, failover, await workloadNow(), signal);
    return null;
  });

  await bringUp(parts, run, failover, request);
}

/** How far an earlier attempt went. */
interface Reached {
  /** The replica shows its last point already. */
  readonly copied: boolean;
  /** The source is shut down already: more rounds before the last delta would be downtime, and a budget is of no use any more. */
  readonly down?: boolean;
}

async function checkReadiness(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<Reached> {
  const { store } = parts;
  const request = liveRequestOf(failover);
  const workload = await store.workloads.require(failover.workloadId);
  const target = await store.targets.require(workload.targetId);
  const planned = request.mode === 'planned';
  const source = planned ? [await store.sources.require(workload.sourceId)] : [];
  await haveCredentialsInWindow(parts, run, [...source, target], failover, signal);
  const copied = (await recall(parts, failover.id)).final !== undefined;
  if (copied && !planned) return { copied };
  const facts = await liveFacts(parts, workload, request, failover, signal);
  // What kept an attempt from going on may be mended; the source's side is settled.
  const concerns = liveConcerns(facts).filter(({ rule }) => !copied || rule === 'failover.vm-plan');
  assertReady(workload.name, concerns);
  if (planned) {
    const { downtime } = await store.failovers.require(failover.id);
    return { copied, down: downtime !== undefined && facts.vm.powerState === 'poweredOff' };
  }
  if (copied) return { copied };
  const point = await pointOf(parts, workload);
  await startClock(parts, failover.id);
  await changeFailover(parts, failover.id, { point, loss: facts.loss });
  await remember(parts, failover.id, { final: point });
  return { copied };
}

/** @throws OsseaError `failover.not-ready` naming each critical concern; `failover.mac-in-use` for that alone */
export function assertReady(name: string, concerns: readonly Concern[]): void {
  const critical = concerns.filter(({ severity }) => severity === 'critical');
  if (critical.length === 0) return;
  const list = critical.map(({ subject, summary }) =>
    subject === name ? summary : `${subject}: ${summary}`,
  );
  throw new OsseaError('failover.not-ready', `The failover of ${name} is not ready. ${list.join(' ')}`, {
    remedy: [...new Set(critical.map(({ remedy }) => remedy))].join(' '),
    field: critical.map(({ rule }) => rule).join(', '),
  });
}

/** Lets go of what only the copy needed, also after a failure; the problem of what could not be. */
async function release(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  failure: Problem | undefined,
): Promise<Problem | undefined> {
  try {
    await run.step(
      'release',
      async (signal) => {
        const { startedAt, touchedAt, prepared } = await recall(parts, failover.id);
        // A preparation that failed is undone at once: the replica is one again, within seconds.
        if (touchedAt && !prepared && !startedAt) await restoreReplica(parts, run, failover, signal);
        // The source goes on as before where it was not to be forced.
        if (failure?.code === 'failover.shutdown')
          await restoreSourcePower(parts, run, failover, true, signal);
        await releaseSource(parts, run, failover, signal);
        return null;
      },
      { undo: true },
    );
    return undefined;
  } catch (error) {
    return run.problemOf(error);
  }
}

/** The target's VM ran: whatever else failed, it is there to be committed or rolled back. */
async function activate(
  parts: WorkflowParts,
  { id, workloadId, commitBy }: Failover,
  failure: Problem | undefined,
): Promise<void> {
  const { store } = parts;
  const failover = await store.failovers.require(id);
  const { commitMinutes } = liveRequestOf(failover);
  await store.workloads.update(workloadId, { state: 'failed-over' });
  await changeFailover(parts, id, {
    state: 'active',
    problem: failure,
    commitBy: commitBy ?? failover.commitBy ?? new Date(Date.now() + commitMinutes * minuteMs).toISOString(),
  });
  await tellWorkload(parts, workloadId);
}

async function interrupt(parts: WorkflowParts, failover: Failover, problem: Problem): Promise<void> {
  // Where nothing is left there is nothing for a person to clean up.
  const left = await leftOf(parts, failover);
  await changeFailover(parts, failover.id, {
    problem,
    question: undefined,
    ...(left ? { state: 'interrupted' } : { state: endOf(problem), endedAt: new Date().toISOString() }),
  });
}

/** Of a failover that left nothing. */
function endOf({ code }: Problem): 'expired' | 'cleaned' {
  return code === 'failover.expired' ? 'expired' : 'cleaned';
}

function cancelled({ workloadName }: Failover): Problem {
  return {
    ...cancelError().toProblem(),
    detail: `The failover of ${workloadName} was cancelled.`,
    remedy: 'Clean it up, which brings the source back, or go on with it.',
  };
}
