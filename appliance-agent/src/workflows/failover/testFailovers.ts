import { randomUUID } from 'node:crypto';
import {
  type CleanUpFailover,
  type Failover,
  type FailoverPlan,
  isOsseaError,
  momentText,
  OsseaError,
  type StartTestFailover,
} from '../../contract/index.ts';
import { failoverConcerns } from '../../plan/failoverRules.ts';
import { endedFailoverStates } from '../../store/failovers.ts';
import type { JobControl } from '../jobControl.ts';
import { tellWorkload, type WorkflowParts } from '../parts.ts';
import { testCleanupSteps, testFailoverSteps } from './failoverJobs.ts';
import { changeFailover } from './failoverRecord.ts';
import { pointOf } from './freshPoint.ts';
import type { PlannedUndoing } from './operations.ts';
import { isLeftAlone } from './prepareGuest.ts';
import { findRemains } from './remains.ts';
import { testFacts } from './testFacts.ts';
import { assertReady, leaseFrom } from './testFailover.ts';
import { methodOf } from './vmMethod.ts';

/** How long both sides may take to answer what a person waits for. Milliseconds. */
const askTimeoutMs = 120_000;

/** Test failovers as the API asks for them. */
export class TestFailovers {
  readonly #parts: WorkflowParts;
  readonly #jobs: JobControl;

  constructor(parts: WorkflowParts, jobs: JobControl) {
    this.#parts = parts;
    this.#jobs = jobs;
  }

  /** Readiness and what would be made; changes nothing. */
  async plan(workloadId: string, request: StartTestFailover): Promise<FailoverPlan> {
    const workload = await this.#parts.store.workloads.require(workloadId);
    const signal = AbortSignal.timeout(askTimeoutMs);
    const facts = await testFacts(this.#parts, workload, request, undefined, signal);
    const concerns = failoverConcerns(facts);
    const point = request.point === 'latest' ? await pointOf(this.#parts, workload) : undefined;
    const cloneBytes = workload.disks.reduce(
      (sum, { volumeBytes, capacityBytes }) => sum + (volumeBytes ?? capacityBytes),
      0,
    );
    const details: Partial<Record<(typeof testFailoverSteps)[number]['name'], string>> = {
      point:
        request.point === 'latest'
          ? `The replica as it is: ${point ? momentText(point.at) : 'none yet'}.`
          : 'A replication first.',
      snapshots:
        workload.disks.length === 1
          ? 'Of its volume.'
          : `Of ${workload.disks.length} volumes, at one moment.`,
      network: facts.places
        .map(({ nic, place }) =>
          place.kind === 'network'
            ? `${nic.label}: ${place.network.name ?? place.network.id}.`
            : place.kind === 'to-be-made'
              ? `${nic.label}: a new isolated network.`
              : `${nic.label}: left out.`,
        )
        .join(' '),
      ...(facts.reach && { reach: facts.reach.chosen.reason }),
      ...(isLeftAlone(facts.conversion) && { prepare: 'Nothing is changed in the guest.' }),
    };
    return {
      kind: 'test',
      ready: concerns.every(({ severity }) => severity !== 'critical'),
      concerns,
      ...(point && { point }),
      steps: testFailoverSteps.map(({ name, title }) => ({
        name,
        title,
        ...(details[name] !== undefined && { detail: details[name] }),
      })),
      ...methodOf(facts),
      extraBytes: 2 * cloneBytes,
    };
  }

  /** @throws OsseaError `failover.not-ready`, `failover.network`; `request.conflict` where a test stands */
  async start(workloadId: string, request: StartTestFailover, actor: string): Promise<Failover> {
    const { store } = this.#parts;
    const workload = await store.workloads.require(workloadId);
    await this.#refuseAtOnce(workloadId, request);
    const id = randomUUID();
    const failover = await store.failovers.create({
      id,
      kind: 'test',
      workloadId,
      workloadName: workload.name,
      state: 'running',
      request: { ...request, kind: 'test' },
      createdBy: actor,
      createdAt: new Date().toISOString(),
    });
    try {
      const job = await this.#jobs.start({
        kind: 'test-failover',
        workloadId,
        request: { failoverId: failover.id },
        steps: testFailoverSteps,
        createdBy: actor,
      });
      return await changeFailover(this.#parts, failover.id, { jobId: job.id });
    } catch (error) {
      // Nothing was made; it must not stand in the way of the next one.
      await changeFailover(this.#parts, failover.id, { state: 'cleaned', endedAt: new Date().toISOString() });
      throw error;
    } finally {
      await tellWorkload(this.#parts, workloadId);
    }
  }

  /** Ends a test; one that has ended is looked after once more where anything of it is left. */
  async cleanUp(failover: Failover, { dryRun }: CleanUpFailover, actor: string): Promise<PlannedUndoing> {
    const remains = await findRemains(this.#parts, failover, AbortSignal.timeout(askTimeoutMs));
    const plan = remains.map(({ shown }) => shown);
    const hasEnded = endedFailoverStates.some((state) => state === failover.state);
    if (dryRun || (hasEnded && plan.length === 0)) return { plan };
    const job = await this.#jobs.start({
      kind: 'failover-cleanup',
      workloadId: failover.workloadId,
      request: { of: 'test', failoverId: failover.id },
      steps: testCleanupSteps,
      createdBy: actor,
    });
    await changeFailover(this.#parts, failover.id, { jobId: job.id });
    return { plan, job };
  }

  /** @throws OsseaError `request.conflict` where nothing of it runs */
  async cancel(failover: Failover): Promise<Failover> {
    const { jobId, state, workloadName, id } = failover;
    if (jobId === undefined || (state !== 'running' && state !== 'cleaning')) {
      throw new OsseaError(
        'request.conflict',
        `Nothing of the test of ${workloadName} runs: it is ${state}.`,
        {
          field: 'id',
          value: id,
          remedy: 'End it by its cleanup.',
        },
      );
    }
    await this.#jobs.cancel(jobId);
    return this.#parts.store.failovers.require(id);
  }

  /** A process that ended between writing a test down and its job left one that nothing works on. */
  async settle(): Promise<void> {
    const { store } = this.#parts;
    for (const failover of await store.failovers.listOpen({ kind: 'test' })) {
      const { id, state, workloadId, workloadName } = failover;
      if (state !== 'running' && state !== 'cleaning') continue;
      if ((await store.workloads.get(workloadId))?.testJobId !== undefined) continue;
      const problem = new OsseaError(
        'agent.shutting-down',
        `The test of ${workloadName} was cut off when the agent ended.`,
        { remedy: 'End the test, then start it again.' },
      ).toProblem();
      const lease = await leaseFrom(this.#parts, failover);
      await changeFailover(this.#parts, id, { state: 'interrupted', problem, ...lease });
    }
  }

  /**
   * What can be known now need not be told by a failed job; without credentials, or where the cloud does not answer now, the job waits and finds out.
   */
  async #refuseAtOnce(workloadId: string, request: StartTestFailover): Promise<void> {
    const workload = await this.#parts.store.workloads.require(workloadId);
    try {
      const signal = AbortSignal.timeout(askTimeoutMs);
      const facts = await testFacts(this.#parts, workload, request, undefined, signal);
      assertReady(workload.name, failoverConcerns(facts));
    } catch (error) {
      if (!isOsseaError(error) || !(error.retryable || error.code === 'lease.missing')) throw error;
    }
  }
}
