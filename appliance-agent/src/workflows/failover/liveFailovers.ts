import {
  type AnswerFailover,
  type CleanUpFailover,
  type CommitFailover,
  type ExtendCommit,
  type Failover,
  type FailoverPlan,
  OsseaError,
  type PlanFailover,
  type RollBackFailover,
  type StartLiveFailover,
} from '../../contract/index.ts';
import type { JobControl } from '../jobControl.ts';
import type { WorkflowParts } from '../parts.ts';
import type { PlannedUndoing } from './operations.ts';

/** Live failovers as the API asks for them. */
export class LiveFailovers {
  readonly #parts: WorkflowParts;
  readonly #jobs: JobControl;

  constructor(parts: WorkflowParts, jobs: JobControl) {
    this.#parts = parts;
    this.#jobs = jobs;
  }

  async plan(workloadId: string, _request: Extract<PlanFailover, { kind: 'live' }>): Promise<FailoverPlan> {
    const { name } = await this.#parts.store.workloads.require(workloadId);
    throw unavailable(name);
  }

  async start(workloadId: string, _request: StartLiveFailover, _actor: string): Promise<Failover> {
    const { name } = await this.#parts.store.workloads.require(workloadId);
    throw unavailable(name);
  }

  async commit(failover: Failover, _request: CommitFailover, _actor: string): Promise<PlannedUndoing> {
    throw unavailable(failover.workloadName);
  }

  async rollBack(failover: Failover, _request: RollBackFailover, _actor: string): Promise<PlannedUndoing> {
    throw unavailable(failover.workloadName);
  }

  async cleanUp(failover: Failover, _request: CleanUpFailover, _actor: string): Promise<PlannedUndoing> {
    throw unavailable(failover.workloadName);
  }

  async cancel(failover: Failover, _actor: string): Promise<Failover> {
    if (failover.jobId !== undefined) await this.#jobs.cancel(failover.jobId);
    return this.#parts.store.failovers.require(failover.id);
  }

  async answer(failover: Failover, _request: AnswerFailover, _actor: string): Promise<Failover> {
    throw unavailable(failover.workloadName);
  }

  async extend(failover: Failover, _request: ExtendCommit, _actor: string): Promise<Failover> {
    throw unavailable(failover.workloadName);
  }
}

function unavailable(name: string): OsseaError {
  return new OsseaError('request.conflict', `This agent cannot fail ${name} over yet.`, {
    remedy: 'Upgrade the agent.',
  });
}
