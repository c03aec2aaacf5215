import {
  type CloudId,
  type Concern,
  type Failover,
  OsseaError,
  type Problem,
  type StartTestFailover,
} from '../../contract/index.ts';
import { type FailoverFacts, failoverConcerns } from '../../plan/failoverRules.ts';
import { cancelError, type JobRun } from '../jobRun.ts';
import { haveCredentials, tellWorkload, type WorkflowParts } from '../parts.ts';
import { proveBoot, whyNotPassed } from './bootProof.ts';
import { cloneReplica, freezeReplica } from './cloneReplica.ts';
import { changeFailover } from './failoverRecord.ts';
import { finishTestJob } from './finishTestJob.ts';
import { reachFreshPoint } from './freshPoint.ts';
import { prepareGuest } from './prepareGuest.ts';
import { removeLedgered } from './remains.ts';
import { afterConversion, makeTargetVm, planTargetVm, startTargetVm } from './targetVm.ts';
import type { TargetVmFacts } from './targetVmPlan.ts';
import { testFacts } from './testFacts.ts';
import { byAdapter, provideTestNetworks, type TestNetwork } from './testNetworks.ts';
import { leaveTestNetwork, reachTestNetwork, type TestReached } from './testReach.ts';

const minuteMs = 60_000;

/**
 * A rehearsal on clones of the replica, while replication goes on: point, snapshots, clones, network, guest, VM, proof. What fails or is cancelled leaves
 * the failover `interrupted` with what exists known; a guest that does not come up leaves its VM to be looked at.
 */
export async function testFailover(parts: WorkflowParts, run: JobRun, failoverId: string): Promise<void> {
  const failover = await changeFailover(parts, failoverId, { state: 'running', jobId: run.jobId });
  let failure: Problem | undefined;
  try {
    await rehearse(parts, run, failover);
    await changeFailover(parts, failoverId, { state: 'active', problem: undefined });
  } catch (error) {
    failure = run.cancelled ? cancelled(failover) : run.problemOf(error);
    // A guest that did not come up is there to be looked at.
    const state = failure.code === 'failover.boot' ? 'active' : 'interrupted';
    await changeFailover(parts, failoverId, {
      state,
      problem: failure,
      ...(await leaseFrom(parts, failover)),
    });
  }
  await finishTestJob(parts, run, failover.workloadId, failure);
}

/** Its time also begins for what a test left that did not come to its VM. */
export async function leaseFrom(
  { store }: WorkflowParts,
  { id, request }: Failover,
): Promise<Pick<Failover, 'leaseEndsAt'>> {
  const { leaseEndsAt } = await store.failovers.require(id);
  if (leaseEndsAt !== undefined || request.kind !== 'test' || request.leaseMinutes === undefined) return {};
  return { leaseEndsAt: new Date(Date.now() + request.leaseMinutes * minuteMs).toISOString() };
}

async function rehearse(parts: WorkflowParts, run: JobRun, failover: Failover): Promise<void> {
  const { store } = parts;
  const request = requestOf(failover);

  await run.step('readiness', async (signal) => {
    assertReady(failover.workloadName, failoverConcerns(await facts(parts, run, failover, signal)));
    return null;
  });

  const remarked = await run.step('point', async (signal) => {
    if (request.point === 'latest') return null;
    return reachFreshPoint(parts, run, failover, request.point === 'quiesced', signal);
  });
  if (remarked?.remark !== undefined) await run.endStep('point', 'done', remarked.remark);

  const frozen = await run.step('snapshots', (signal) => freezeReplica(parts, run, failover, signal));
  const copies = frozen.sources.filter(({ snapshotId }) => snapshotId === undefined).length;
  if (copies > 0) await run.endStep('snapshots', 'done', costOfCopies(copies));

  await run.step('clones', async (signal) => {
    await cloneReplica(parts, run, failover, frozen, signal);
    return null;
  });

  await run.step('remove-snapshots', async (signal) => {
    await removeLedgered(parts, run, failover, 'volume-snapshot', signal);
    return null;
  });

  const networks = await run.step('network', async (signal) =>
    provideTestNetworks(parts, run, failover, await facts(parts, run, failover, signal), signal),
  );

  const vmFacts = async (signal: AbortSignal): Promise<TargetVmFacts> => {
    const known = await facts(parts, run, failover, signal);
    return vmFactsOf(failover, request, known, frozen.sources, networks);
  };

  const prepared = await run.step('prepare', async (signal) => {
    const known = await vmFacts(signal);
    const plan = planTargetVm(known);
    const disks = frozen.sources.map(({ key, label, recordId }) => ({ key, label, recordId }));
    const { workload, vm, conversion } = known;
    const preparation = { workload, vm, disks, nics: plan.nics, conversion };
    return prepareGuest(parts, run, failover, preparation, signal);
  });

  const made = await run.step('vm', async (signal) => {
    const known = await vmFacts(signal);
    const plan = afterConversion(planTargetVm(known), known, prepared);
    const { id } = await makeTargetVm(parts, run, failover, plan, signal);
    return { id, guestId: known.vm.guestId, converted: known.conversion.kind !== 'none' };
  });

  await run.step('start', async (signal) => {
    const { leaseMinutes } = request;
    if (leaseMinutes !== undefined) {
      const leaseEndsAt = new Date(Date.now() + leaseMinutes * minuteMs).toISOString();
      await changeFailover(parts, failover.id, { leaseEndsAt });
    }
    await startTargetVm(parts, run, failover, signal);
    await store.workloads.update(failover.workloadId, { state: 'testing' });
    await tellWorkload(parts, failover.workloadId);
    return null;
  });

  try {
    const reached = await run.step('reach', (signal) =>
      reachTestNetwork(parts, run, failover, { ...request, vmId: made.id }, signal),
    );
    if (reached.kind !== 'nic') {
      await run.endStep('reach', 'skipped', reached.kind === 'none' ? reached.detail : 'No NIC is needed.');
    }
    await prove(parts, run, failover, { ...made, os: prepared.os, reached });
  } finally {
    await run.step(
      'leave',
      async (signal) => {
        await leaveTestNetwork(parts, run, failover, signal);
        return null;
      },
      { undo: true },
    );
  }
}

/** @throws OsseaError `failover.boot` */
async function prove(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  made: {
    readonly id: CloudId;
    readonly guestId: string;
    readonly converted: boolean;
    readonly os: string | undefined;
    readonly reached: TestReached;
  },
): Promise<void> {
  const request = requestOf(failover);
  await run.step('proof', async (signal) => {
    const { id, guestId, converted, os, reached } = made;
    const proof = await proveBoot(
      parts,
      run,
      failover,
      {
        vmId: id,
        checks: request.checks,
        reach: { wanted: request.reach, reached },
        patienceSeconds: request.bootPatienceSeconds,
        guest: { guestId, os, converted },
      },
      signal,
    );
    if (proof.passed) return null;
    throw new OsseaError(
      'failover.boot',
      `The test VM of ${failover.workloadName} did not show that it came up. ${whyNotPassed(proof)}`,
      { remedy: 'Look at its console in CloudStack; then end the test.' },
    );
  });
}

function costOfCopies(copies: number): string {
  const what = copies === 1 ? 'A volume was' : `${copies} volumes were`;
  return `${what} copied through the appliance, as the storage takes no snapshots; replications waited meanwhile.`;
}

/** What is known now; each step that needs it asks again, as it is too much to be remembered. */
async function facts(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  signal: AbortSignal,
): Promise<FailoverFacts> {
  const { store } = parts;
  const workload = await store.workloads.require(failover.workloadId);
  await haveCredentials(parts, run, [await store.targets.require(workload.targetId)], signal);
  return testFacts(parts, workload, requestOf(failover), failover, signal);
}

function vmFactsOf(
  failover: Failover,
  request: StartTestFailover,
  known: FailoverFacts,
  disks: TargetVmFacts['disks'],
  networks: readonly TestNetwork[],
): TargetVmFacts {
  const { workload, vm, target, cloud, targetVms, conversion } = known;
  return {
    kind: 'test',
    failoverId: failover.id,
    workload,
    vm,
    target: target.config,
    cloud,
    targetVms,
    conversion,
    disks,
    testNetworks: byAdapter(networks),
    name: request.name,
    leaseMinutes: request.leaseMinutes,
  };
}

/** @throws OsseaError `failover.network` for a network of production use alone; `failover.not-ready` naming each critical concern */
export function assertReady(name: string, concerns: readonly Concern[]): void {
  const critical = concerns.filter(({ severity }) => severity === 'critical');
  if (critical.length === 0) return;
  const list = critical.map(({ subject, summary }) =>
    subject === name ? summary : `${subject}: ${summary}`,
  );
  const code = critical.every(({ rule }) => rule === 'failover.network')
    ? 'failover.network'
    : 'failover.not-ready';
  throw new OsseaError(code, `A test of ${name} is not ready. ${list.join(' ')}`, {
    remedy: [...new Set(critical.map(({ remedy }) => remedy))].join(' '),
    field: critical.map(({ rule }) => rule).join(', '),
  });
}

export function requestOf({ request, workloadName }: Failover): StartTestFailover {
  if (request.kind === 'test') return request;
  throw new TypeError(`The failover of ${workloadName} is not a test`);
}

function cancelled({ workloadName }: Failover): Problem {
  return {
    ...cancelError().toProblem(),
    detail: `The test of ${workloadName} was cancelled.`,
    remedy: 'What it made is still there: end the test, which removes it.',
  };
}
