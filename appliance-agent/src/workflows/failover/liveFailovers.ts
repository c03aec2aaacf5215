import { randomUUID } from 'node:crypto';
import {
  type AnswerFailover,
  type CleanUpFailover,
  type CommitFailover,
  type ExtendCommit,
  type Failover,
  type FailoverPlan,
  type FailoverRemains,
  isOsseaError,
  type Job,
  OsseaError,
  type RollBackFailover,
  type StartLiveFailover,
} from '../../contract/index.ts';
import { liveConcerns } from '../../plan/liveRules.ts';
import { endedFailoverStates } from '../../store/failovers.ts';
import type { JobControl } from '../jobControl.ts';
import type { NewJob } from '../newJob.ts';
import { tellWorkload, type WorkflowParts } from '../parts.ts';
import { isOthers } from './admission.ts';
import { changeFailover } from './failoverRecord.ts';
import { pointOf } from './freshPoint.ts';
import { liveFacts } from './liveFacts.ts';
import { assertReady } from './liveFailover.ts';
import { commitSteps, liveFailoverSteps, liveUndoingSteps } from './liveJobs.ts';
import { recall, remember } from './liveMemory.ts';
import { livePlan } from './livePlan.ts';
import { liveRemains } from './liveRemains.ts';
import { cleanUpStates, rollBackStates } from './liveUndoing.ts';
import type { PlannedUndoing } from './operations.ts';
import { assertWindow, isDue, liveRequestOf, withEnd } from './startWindow.ts';

/** How long both sides may take to answer what a person waits for. Milliseconds. */
const askTimeoutMs = 120_000;
const minuteMs = 60_000;

/** Live failovers as the API asks for them: each is written down, and a job works on it when it is due. */
export class LiveFailovers {
  readonly #parts: WorkflowParts;
  readonly #jobs: JobControl;

  constructor(parts: WorkflowParts, jobs: JobControl) {
    this.#parts = parts;
    this.#jobs = jobs;
  }

  /** Readiness and what would be done; changes nothing. */
  async plan(workloadId: string, request: StartLiveFailover): Promise<FailoverPlan> {
    const workload = await this.#parts.store.workloads.require(workloadId);
    const signal = AbortSignal.timeout(askTimeoutMs);
    const facts = await liveFacts(this.#parts, workload, request, undefined, signal);
    return livePlan(facts, await pointOf(this.#parts, workload));
  }

  /**
   * Writes a failover down, and begins it where it is due and nothing else works on the replica; else it is `scheduled`.
   * @throws OsseaError `failover.not-ready`, `request.invalid`; `request.conflict` where a live failover stands
   */
  async start(workloadId: string, asked: StartLiveFailover, actor: string): Promise<Failover> {
    const { store } = this.#parts;
    const workload = await store.workloads.require(workloadId);
    const now = new Date();
    const request = withEnd(asked);
    assertWindow(request, now);
    if (isDue(request, now)) await this.#refuseAtOnce(workloadId, request);
    const failover = await store.failovers.create({
      id: randomUUID(),
      kind: 'live',
      workloadId,
      workloadName: workload.name,
      state: 'scheduled',
      request: { ...request, kind: 'live' },
      createdBy: actor,
      createdAt: now.toISOString(),
    });
    await changeFailover(this.#parts, failover.id, {});
    await tellWorkload(this.#parts, workloadId);
    return isDue(request, now) ? this.begin(failover) : failover;
  }

  /** Starts the job of a failover that is due; while another one works on the replica it stays as it is. */
  async begin(failover: Failover): Promise<Failover> {
    try {
      const job = await this.#startJob(failover, {
        kind: 'live-failover',
        request: { failoverId: failover.id },
        steps: liveFailoverSteps,
        createdBy: failover.createdBy,
      });
      return await changeFailover(this.#parts, failover.id, { jobId: job.id });
    } catch (error) {
      if (!isOsseaError(error, 'job.running')) throw error;
      if (liveRequestOf(failover).mode === 'unplanned') await this.#endHopeless(failover);
      return failover;
    }
  }

  /** A replication that waits for a source that is lost would hold the replica for long. */
  async #endHopeless({ workloadId }: Failover): Promise<void> {
    const { currentJobId } = await this.#parts.store.workloads.require(workloadId);
    const job = currentJobId === undefined ? undefined : await this.#parts.store.jobs.get(currentJobId);
    if (job && (job.kind === 'replicate' || job.kind === 'verify')) await this.#jobs.cancel(job.id);
  }

  /** Goes on with a failover that was interrupted, from what it reached. @throws OsseaError `request.conflict`, `job.running` */
  async retry(failover: Failover, actor: string): Promise<Failover> {
    assertState(failover, ['interrupted'], 'gone on with');
    const job = await this.#startJob(failover, {
      kind: 'live-failover',
      request: { failoverId: failover.id },
      steps: liveFailoverSteps,
      createdBy: actor,
    });
    return changeFailover(this.#parts, failover.id, { jobId: job.id });
  }

  /**
   * @param onlyRunning whether the VM has to run, as nobody has looked at it
   * @throws OsseaError `request.conflict`; `failover.boot` where the proof did not pass and that is not accepted
   */
  async commit(
    failover: Failover,
    { dryRun, acceptFailedProof }: CommitFailover,
    actor: string,
    onlyRunning = false,
  ): Promise<PlannedUndoing> {
    assertState(failover, ['active', 'committing'], 'committed');
    const plan = await this.#commitPlan(failover);
    if (dryRun) return { plan };
    if (failover.state === 'active' && !failover.proof?.passed && !acceptFailedProof) {
      throw new OsseaError(
        'failover.boot',
        `The VM of ${failover.workloadName} has not shown that it came up; the failover is not committed.`,
        { remedy: 'Look at its console; if it is well, commit it in spite of its proof. Else roll back.' },
      );
    }
    const job = await this.#startJob(failover, {
      kind: 'commit',
      request: { failoverId: failover.id, onlyRunning },
      steps: commitSteps,
      createdBy: actor,
    });
    await changeFailover(this.#parts, failover.id, { jobId: job.id });
    return { plan, job };
  }

  /** @throws OsseaError `request.conflict`; `failover.confirmation` without the name of the target's VM */
  async rollBack(
    failover: Failover,
    { dryRun, confirmName, powerOnSource }: RollBackFailover,
    actor: string,
  ): Promise<PlannedUndoing> {
    assertState(failover, rollBackStates, 'rolled back');
    const plan = await this.#remains(failover, powerOnSource);
    if (dryRun) return { plan };
    assertConfirmed(failover, confirmName);
    const job = await this.#startJob(failover, {
      kind: 'rollback',
      request: { failoverId: failover.id, powerOnSource },
      steps: liveUndoingSteps,
      createdBy: actor,
    });
    await changeFailover(this.#parts, failover.id, { jobId: job.id });
    return { plan, job };
  }

  /** Undoes what a failover that was interrupted left; one that has ended is looked after once more where anything of it is left. */
  async cleanUp(
    failover: Failover,
    { dryRun, confirmName, powerOnSource }: CleanUpFailover,
    actor: string,
  ): Promise<PlannedUndoing> {
    assertState(failover, cleanUpStates, 'cleaned up');
    const plan = await this.#remains(failover, powerOnSource);
    const hasEnded = endedFailoverStates.some((state) => state === failover.state);
    if (dryRun || (hasEnded && !plan.some(isOwn))) return { plan };
    if (await isOthers(this.#parts, failover)) throw goneOn(failover);
    const confirmed = Boolean((await recall(this.#parts, failover.id)).startedAt);
    if (confirmed) assertConfirmed(failover, confirmName);
    const job = await this.#startJob(failover, {
      kind: 'failover-cleanup',
      request: { of: 'live', failoverId: failover.id, powerOnSource, confirmed },
      steps: liveUndoingSteps,
      createdBy: actor,
    });
    await changeFailover(this.#parts, failover.id, { jobId: job.id });
    return { plan, job };
  }

  /** Takes a failover back that has not begun, or cancels the job that works on it. @throws OsseaError `request.conflict` */
  async cancel(failover: Failover): Promise<Failover> {
    const { id, jobId, workloadId } = failover;
    const job = jobId === undefined ? undefined : await this.#parts.store.jobs.get(jobId);
    if (job && isActive(job)) {
      await this.#jobs.cancel(job.id);
      return this.#parts.store.failovers.require(id);
    }
    assertState(failover, ['scheduled'], 'cancelled');
    const endedAt = new Date().toISOString();
    const cancelled = await changeFailover(this.#parts, id, { state: 'cleaned', endedAt });
    await tellWorkload(this.#parts, workloadId);
    return cancelled;
  }

  /** @throws OsseaError `request.conflict` where nothing is asked; `request.invalid` for an answer that is not one of the question's */
  async answer(failover: Failover, { answer }: AnswerFailover): Promise<Failover> {
    const { id, question, workloadName } = failover;
    if (!question) {
      throw new OsseaError('request.conflict', `The failover of ${workloadName} asks nothing.`, {
        field: 'id',
        value: id,
        remedy: 'Look at it again; the question may have settled itself.',
      });
    }
    if (!question.answers.includes(answer)) {
      throw new OsseaError('request.invalid', `${answer} is no answer to: ${question.text}`, {
        field: 'answer',
        value: answer,
        remedy: `Answer one of ${question.answers.join(', ')}.`,
      });
    }
    await remember(this.#parts, id, { answer });
    return failover;
  }

  /** @throws OsseaError `request.conflict` where it does not wait to be committed */
  async extend(failover: Failover, { minutes }: ExtendCommit): Promise<Failover> {
    assertState(failover, ['active'], 'extended');
    const { store } = this.#parts;
    const undecided = failover.problem?.code === 'failover.undecided';
    if (undecided) await store.workloads.update(failover.workloadId, { attention: null });
    const extended = await changeFailover(this.#parts, failover.id, {
      commitBy: new Date(Date.now() + minutes * minuteMs).toISOString(),
      ...(undecided && { problem: undefined }),
    });
    await tellWorkload(this.#parts, failover.workloadId);
    return extended;
  }

  #startJob(failover: Failover, job: Omit<NewJob, 'workloadId'>): Promise<Job> {
    return this.#jobs.start({ ...job, workloadId: failover.workloadId });
  }

  #remains(failover: Failover, powerOnSource: boolean): Promise<FailoverRemains[]> {
    return liveRemains(this.#parts, failover, powerOnSource, AbortSignal.timeout(askTimeoutMs));
  }

  /** What a commit does to what exists. */
  async #commitPlan(failover: Failover): Promise<FailoverRemains[]> {
    const remains = await this.#remains(failover, false);
    const volumes = await this.#parts.store.volumes.ofWorkload(failover.workloadId);
    const kept: Partial<Record<FailoverRemains['kind'], string>> = {
      vm: 'It stays, and is no business of the agent any more.',
      fence: 'It stays: the source keeps its mark, and its adapters disconnected.',
      'source-power': 'It stays off.',
    };
    return [
      ...remains
        .filter(({ kind }) => kind !== 'replica')
        .map((one) => ({ ...one, action: kept[one.kind] ?? one.action })),
      ...volumes.map(({ id, name }) => ({
        kind: 'volume' as const,
        id,
        name,
        action: 'It becomes the VM’s own: no cleanup touches it any more.',
      })),
      ...(fenceIsMissing(failover, remains)
        ? [
            {
              kind: 'fence' as const,
              id: failover.id,
              name: failover.workloadName,
              action:
                'The source was never fenced. It is now, if its vCenter answers; if not, see that nobody starts it.',
            },
          ]
        : []),
    ];
  }

  /** What can be known now need not be told by a failed job; without credentials the job waits for them and finds out. */
  async #refuseAtOnce(workloadId: string, request: StartLiveFailover): Promise<void> {
    const workload = await this.#parts.store.workloads.require(workloadId);
    try {
      const signal = AbortSignal.timeout(askTimeoutMs);
      assertReady(
        workload.name,
        liveConcerns(await liveFacts(this.#parts, workload, request, undefined, signal)),
      );
    } catch (error) {
      if (!isOsseaError(error, 'lease.missing')) throw error;
    }
  }
}

function isActive({ state }: Job): boolean {
  return state === 'queued' || state === 'running' || state === 'waiting';
}

/** Snapshots of the source may be of a replication that failed later. */
function isOwn({ kind }: FailoverRemains): boolean {
  return kind !== 'snapshot';
}

function fenceIsMissing(failover: Failover, remains: readonly FailoverRemains[]): boolean {
  const { mode, fenceSource } = liveRequestOf(failover);
  return mode === 'unplanned' && fenceSource && remains.every(({ kind }) => kind !== 'fence');
}

/** @throws OsseaError `request.conflict` */
function assertState(failover: Failover, states: readonly Failover['state'][], what: string): void {
  if (states.includes(failover.state)) return;
  const { id, state, workloadName } = failover;
  throw new OsseaError(
    'request.conflict',
    `The failover of ${workloadName} is ${state} and cannot be ${what}.`,
    {
      field: 'id',
      value: id,
      remedy: nextStep(state),
    },
  );
}

function goneOn({ id, workloadName, state }: Failover): OsseaError {
  return new OsseaError(
    'request.conflict',
    `The failover of ${workloadName} is ${state}, and its replica is another failover’s by now.`,
    { field: 'id', value: id, remedy: 'Start a general cleanup: it finds what is left, and nothing else.' },
  );
}

function nextStep(state: Failover['state']): string {
  switch (state) {
    case 'scheduled':
      return 'It has not begun; cancel it if it is not wanted.';
    case 'running':
      return 'Wait for its end, or cancel it.';
    case 'active':
      return 'Commit it or roll it back.';
    case 'interrupted':
      return 'Go on with it, or clean it up.';
    case 'committing':
      return 'Commit it again: it goes on with what is left.';
    case 'rolling-back':
      return 'Roll it back again: it goes on with what is left.';
    case 'cleaning':
      return 'Clean it up again: it goes on with what is left.';
    case 'committed':
    case 'rolled-back':
    case 'cleaned':
    case 'expired':
      return 'It has ended; start a new one.';
  }
}

/** @throws OsseaError `failover.confirmation` */
function assertConfirmed({ vm, workloadName }: Failover, confirmName: string | undefined): void {
  const name = vm?.name ?? workloadName;
  if (confirmName === name) return;
  throw new OsseaError(
    'failover.confirmation',
    `What ${name} has written since it was started on the target is lost by this.`,
    {
      field: 'confirmName',
      value: confirmName,
      remedy: `Type the name of the VM to confirm it: ${name}`,
    },
  );
}
