import { findOwnVm } from '../../cloudstack/machines.ts';
import { type BootProof, type Failover, OsseaError, type StartLiveFailover } from '../../contract/index.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { proveBoot, whyNotPassed } from './bootProof.ts';
import { changeFailover } from './failoverRecord.ts';
import { liveFacts, vmFactsOf } from './liveFacts.ts';
import { recall, remember } from './liveMemory.ts';
import { type PreparedGuest, prepareGuest } from './prepareGuest.ts';
import { restoreReplica } from './replicaProtection.ts';
import { assertStillOrFenced } from './sourceStillness.ts';
import {
  afterConversion,
  makeTargetVm,
  planTargetVm,
  startTargetVm,
  type TargetVmFacts,
} from './targetVm.ts';

/**
 * From a replica that is protected to a VM that runs: guest, VM, start, proof.
 * @throws OsseaError `guest.*`, `failover.vm`, `failover.mac-in-use`, `failover.source-running`, `failover.source-changed`, `failover.boot`, …
 */
export async function bringUp(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  request: StartLiveFailover,
): Promise<void> {
  const { store } = parts;

  const prepared = await run.step('prepare', (signal) => prepare(parts, run, failover, request, signal));

  const made = await run.step('vm', async (signal) => {
    const begun = performance.now();
    const known = await factsFor(parts, run, failover, request, signal);
    const plan = afterConversion(planTargetVm(known), known, prepared);
    const { id } = await makeTargetVm(parts, run, failover, plan, signal);
    const converted = known.conversion.kind !== 'none';
    return { id, guestId: known.vm.guestId, converted, seconds: (performance.now() - begun) / 1000 };
  });

  const { runningAt, remark } = await run.step('start', async (signal) => {
    const begun = performance.now();
    const said = await start(parts, run, failover, request, signal);
    await store.failovers.measure(failover.id, {
      vmSeconds: made.seconds + (performance.now() - begun) / 1000,
    });
    return { runningAt: new Date().toISOString(), ...(said !== undefined && { remark: said }) };
  });
  if (remark !== undefined) await run.endStep('start', 'done', remark);

  await run.step('proof', async (signal) => {
    if (request.checks.length === 0) await stopClock(parts, failover.id, runningAt);
    const proof = await proveBoot(
      parts,
      run,
      failover,
      {
        vmId: made.id,
        checks: request.checks,
        patienceSeconds: request.bootPatienceSeconds,
        guest: { guestId: made.guestId, os: prepared.os, converted: made.converted },
      },
      signal,
    );
    const sign = firstSign(proof, runningAt);
    if (sign !== undefined) await stopClock(parts, failover.id, sign);
    if (proof.passed) return null;
    throw new OsseaError(
      'failover.boot',
      `The VM of ${failover.workloadName} did not show that it came up. ${whyNotPassed(proof)}`,
      { remedy: 'Look at its console in CloudStack; then roll back, or commit it if it is well.' },
    );
  });
}

/** Makes the guest ready; where an earlier attempt was cut off, from the replica as it was before. */
async function prepare(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  request: StartLiveFailover,
  signal: AbortSignal,
): Promise<PreparedGuest> {
  const { store } = parts;
  const { prepared, touchedAt } = await recall(parts, failover.id);
  if (prepared) return prepared;
  if (touchedAt) await restoreReplica(parts, run, failover, signal);
  const known = await factsFor(parts, run, failover, request, signal);
  const { workload, vm, conversion, disks } = known;
  // Without drivers to be made ready, addresses and boot files may be written all the same.
  if (conversion.kind !== 'none' || conversion.addresses.length > 0 || vm.firmware === 'efi') {
    await remember(parts, failover.id, { touchedAt: new Date().toISOString() });
  }
  const { nics } = planTargetVm(known);
  const preparation = { workload, vm, disks, nics, conversion, restored: true };
  const result = await prepareGuest(parts, run, failover, preparation, signal);
  await remember(parts, failover.id, { prepared: result });
  if (conversion.kind !== 'none') {
    await store.failovers.measure(failover.id, { conversionSeconds: result.seconds });
  }
  return result;
}

/** Starts the VM; that it may have data from now on is written down before. @returns what a person should know of it */
async function start(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  request: StartLiveFailover,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { store, sessions } = parts;
  const workload = await store.workloads.require(failover.workloadId);
  let remark: string | undefined;
  if (request.mode === 'planned') {
    await haveCredentials(parts, run, [await store.sources.require(workload.sourceId)], signal);
    remark = await assertStillOrFenced(parts, failover, workload, signal);
    if (remark !== undefined) run.logger.warn({ failover: failover.id }, remark);
  }
  const now = new Date().toISOString();
  await remember(parts, failover.id, { startedAt: now, touchedAt: now });
  try {
    await startTargetVm(parts, run, failover, signal);
    return remark;
  } catch (error) {
    // A VM that CloudStack shows stopped after a refusal never ran; where it cannot be asked it may have.
    const { targetId } = workload;
    const vm = await sessions
      .cloud(targetId)
      .then((client) => findOwnVm(client, failover.id, run.shutdownSignal))
      .catch(() => ({ state: 'Unknown' }));
    if (!run.shutdownSignal.aborted && (!vm || vm.state === 'Stopped')) {
      await remember(parts, failover.id, { startedAt: null });
    }
    throw error;
  }
}

async function factsFor(
  parts: WorkflowParts,
  run: JobRun,
  failover: Failover,
  request: StartLiveFailover,
  signal: AbortSignal,
): Promise<TargetVmFacts> {
  const { store } = parts;
  const workload = await store.workloads.require(failover.workloadId);
  await haveCredentials(parts, run, [await store.targets.require(workload.targetId)], signal);
  return vmFactsOf(failover.id, await liveFacts(parts, workload, request, failover, signal), workload);
}

/**
 * When the guest first showed that it came up: the first check that passed; without checks, when CloudStack called the VM running. Undefined while
 * checks were asked for and none passed.
 * @param runningAt when the VM's start was over, from which on the checks were tried
 */
function firstSign({ checks, powerState }: BootProof, runningAt: string): string | undefined {
  const passed = checks.filter(({ outcome }) => outcome === 'passed').map(({ seconds }) => seconds);
  if (passed.length > 0) return new Date(Date.parse(runningAt) + Math.min(...passed) * 1000).toISOString();
  const skipped = checks.every(({ outcome }) => outcome === 'skipped');
  return skipped && powerState === 'Running' ? runningAt : undefined;
}

async function stopClock(parts: WorkflowParts, failoverId: string, endedAt: string): Promise<void> {
  const { downtime } = await parts.store.failovers.require(failoverId);
  if (!downtime || downtime.endedAt !== undefined) return;
  await changeFailover(parts, failoverId, { downtime: { ...downtime, endedAt } });
}
