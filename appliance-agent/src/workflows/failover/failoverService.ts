import {
  type AnswerFailover,
  type CleanUpFailover,
  type CommitFailover,
  type ExtendCommit,
  type Failover,
  type FailoverPlan,
  type FailoverState,
  type MarkTested,
  OsseaError,
  type PlanFailover,
  type ReportDocument,
  type RollBackFailover,
  type Screenshot,
  type SignedReport,
  type StartLiveFailover,
  type StartTestFailover,
} from '../../contract/index.ts';
import type { WorkflowParts } from '../parts.ts';
import type { FailoverOperations, PlannedUndoing } from './operations.ts';

/** Failovers as the API asks for them: each is written down, then a job works on it. */
export class FailoverService implements FailoverOperations {
  readonly #parts: WorkflowParts;

  constructor(parts: WorkflowParts) {
    this.#parts = parts;
  }

  list(query: {
    readonly workloadId: string | undefined;
    readonly state: FailoverState | undefined;
    readonly limit: number;
  }): Promise<Failover[]> {
    return this.#parts.store.failovers.list(query);
  }

  require(id: string): Promise<Failover> {
    return this.#parts.store.failovers.require(id);
  }

  async plan(_workloadId: string, _request: PlanFailover): Promise<FailoverPlan> {
    throw unavailable();
  }

  async startTest(_workloadId: string, _request: StartTestFailover, _actor: string): Promise<Failover> {
    throw unavailable();
  }

  async startLive(_workloadId: string, _request: StartLiveFailover, _actor: string): Promise<Failover> {
    throw unavailable();
  }

  async commit(_id: string, _request: CommitFailover, _actor: string): Promise<PlannedUndoing> {
    throw unavailable();
  }

  async rollBack(_id: string, _request: RollBackFailover, _actor: string): Promise<PlannedUndoing> {
    throw unavailable();
  }

  async cleanUp(_id: string, _request: CleanUpFailover, _actor: string): Promise<PlannedUndoing> {
    throw unavailable();
  }

  async cancel(_id: string, _actor: string): Promise<Failover> {
    throw unavailable();
  }

  async answer(_id: string, _request: AnswerFailover, _actor: string): Promise<Failover> {
    throw unavailable();
  }

  async extend(_id: string, _request: ExtendCommit, _actor: string): Promise<Failover> {
    throw unavailable();
  }

  async markTested(id: string, { note }: MarkTested, actor: string): Promise<Failover> {
    const { store, hub } = this.#parts;
    await store.failovers.require(id);
    const at = new Date().toISOString();
    const failover = await store.failovers.update(id, {
      tested: { by: actor, at, ...(note !== undefined && { note }) },
    });
    await hub.publish({ kind: 'failover', at, failover });
    return failover;
  }

  async screenshot(id: string): Promise<Screenshot> {
    const { name } = await this.#named(id);
    const png = await this.#parts.store.failovers.screenshot(id);
    if (png) return { mediaType: 'image/png', base64: png.toString('base64') };
    throw new OsseaError('request.not-found', `No picture was taken in the failover of ${name}.`, {
      field: 'id',
      value: id,
      remedy: 'See in the boot proof why there is none.',
    });
  }

  async report(_id: string): Promise<SignedReport> {
    throw unavailable();
  }

  async reportPdf(_id: string): Promise<ReportDocument> {
    throw unavailable();
  }

  async #named(id: string): Promise<{ name: string }> {
    return { name: (await this.require(id)).workloadName };
  }
}

function unavailable(): OsseaError {
  return new OsseaError('request.conflict', 'This agent cannot do that yet.', {
    remedy: 'Upgrade the agent.',
  });
}
