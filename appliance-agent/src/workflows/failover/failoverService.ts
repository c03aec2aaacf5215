import {
  type AnswerFailover,
  CleanUpFailover,
  type CommitFailover,
  type ExtendCommit,
  type Failover,
  type FailoverPlan,
  type FailoverState,
  type MarkTested,
  OsseaError,
  type PlanFailover,
  type ReportDocument,
  type ReportKey,
  type RollBackFailover,
  type Screenshot,
  type SignedReport,
  type StartLiveFailover,
  type StartTestFailover,
} from '../../contract/index.ts';
import type { JobControl } from '../jobControl.ts';
import type { WorkflowParts } from '../parts.ts';
import type { Duty } from '../scheduler.ts';
import { changeFailover } from './failoverRecord.ts';
import { reportDocument, reportPublicKey, signedReport } from './failoverReport.ts';
import { liveDuty } from './liveDuties.ts';
import { LiveFailovers } from './liveFailovers.ts';
import type { FailoverOperations, PlannedUndoing } from './operations.ts';
import { TestFailovers } from './testFailovers.ts';
import { TestLeases } from './testLeases.ts';

/** Failovers as the API asks for them: each is written down, then a job works on it. */
export class FailoverService implements FailoverOperations {
  readonly #parts: WorkflowParts;
  readonly #live: LiveFailovers;
  readonly #tests: TestFailovers;
  readonly #leases: TestLeases;
  /** What happens to live failovers at its time. */
  readonly duty: Duty;

  constructor(parts: WorkflowParts, jobs: JobControl) {
    this.#parts = parts;
    this.#live = new LiveFailovers(parts, jobs);
    this.duty = liveDuty(parts, this.#live);
    this.#tests = new TestFailovers(parts, jobs);
    this.#leases = new TestLeases(parts, async (test) => {
      await this.#tests.cleanUp(test, CleanUpFailover.parse({}), 'lease');
      // The report names who did it.
      const { audit } = parts.store;
      await audit.append({ actor: 'lease', action: 'cleanUpFailover', subject: test.id, outcome: 'ok' });
    });
  }

  /** Settles what a previous process left half-begun, and looks after what is to happen at its time. */
  async launch(): Promise<void> {
    await this.#tests.settle();
    this.#leases.launch();
  }

  async shutdown(): Promise<void> {
    await this.#leases.shutdown();
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

  async plan(workloadId: string, request: PlanFailover): Promise<FailoverPlan> {
    if (request.kind === 'live') return this.#live.plan(workloadId, request);
    return this.#tests.plan(workloadId, request);
  }

  startTest(workloadId: string, request: StartTestFailover, actor: string): Promise<Failover> {
    return this.#tests.start(workloadId, request, actor);
  }

  startLive(workloadId: string, request: StartLiveFailover, actor: string): Promise<Failover> {
    return this.#live.start(workloadId, request, actor);
  }

  async retry(id: string, actor: string): Promise<Failover> {
    return this.#live.retry(await this.#requireLive(id), actor);
  }

  async commit(id: string, request: CommitFailover, actor: string): Promise<PlannedUndoing> {
    return this.#live.commit(await this.#requireLive(id), request, actor);
  }

  async rollBack(id: string, request: RollBackFailover, actor: string): Promise<PlannedUndoing> {
    return this.#live.rollBack(await this.#requireLive(id), request, actor);
  }

  async cleanUp(id: string, request: CleanUpFailover, actor: string): Promise<PlannedUndoing> {
    const failover = await this.require(id);
    if (failover.kind === 'live') return this.#live.cleanUp(failover, request, actor);
    return this.#tests.cleanUp(failover, request, actor);
  }

  async cancel(id: string, _actor: string): Promise<Failover> {
    const failover = await this.require(id);
    if (failover.kind === 'live') return this.#live.cancel(failover);
    return this.#tests.cancel(failover);
  }

  async answer(id: string, request: AnswerFailover, _actor: string): Promise<Failover> {
    return this.#live.answer(await this.#requireLive(id), request);
  }

  async extend(id: string, request: ExtendCommit, _actor: string): Promise<Failover> {
    return this.#live.extend(await this.#requireLive(id), request);
  }

  async markTested(id: string, { note }: MarkTested, actor: string): Promise<Failover> {
    await this.require(id);
    const at = new Date().toISOString();
    return changeFailover(this.#parts, id, {
      tested: { by: actor, at, ...(note !== undefined && { note }) },
    });
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

  report(id: string): Promise<SignedReport> {
    return signedReport(this.#parts, id);
  }

  reportPdf(id: string): Promise<ReportDocument> {
    return reportDocument(this.#parts, id);
  }

  reportKey(): Promise<ReportKey> {
    return reportPublicKey(this.#parts);
  }

  /** @throws OsseaError `request.conflict` for a test, which is ended by a cleanup */
  async #requireLive(id: string): Promise<Failover> {
    const failover = await this.require(id);
    if (failover.kind === 'live') return failover;
    throw new OsseaError('request.conflict', `${failover.workloadName} is tested, not failed over.`, {
      field: 'id',
      value: id,
      remedy: 'End the test by its cleanup.',
    });
  }

  async #named(id: string): Promise<{ name: string }> {
    return { name: (await this.require(id)).workloadName };
  }
}
