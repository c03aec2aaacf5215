import {
  type CycleRecord,
  type DiskReport,
  type MoRef,
  OsseaError,
  type Problem,
  type VerifyMode,
  type VirtualMachine,
} from '../contract/index.ts';
import type { PowerMark } from '../vsphere/client.ts';
import { enableChangeTracking } from './changeTracking.ts';
import { type CopiedDisk, copyWorkloadDisk, verifyWorkloadDisk } from './copyWorkloadDisk.ts';
import type { Cycle, CycleDisk, Lineage } from './cycle.ts';
import { detachVolumes, dropRemovedDisks, makeVolumes } from './cycleVolumes.ts';
import { identifyDisks } from './diskIdentity.ts';
import { eachDisk } from './eachDisk.ts';
import type { JobRun, StepOptions } from './jobRun.ts';
import { haveCredentials, tellWorkload, type WorkflowParts } from './parts.ts';
import { assertReady } from './readiness.ts';
import { removeEarlierSnapshots, removeSnapshotEffect, snapshotName, takeSnapshot } from './snapshots.ts';
import { findSourceVm, haveEndpoints, sourceRuns, withTags } from './sourceVm.ts';

/** What a cycle is asked for. */
export interface CycleRequest {
  /** Undefined: what the workload's settings say. */
  readonly verify?: VerifyMode | undefined;
  /** Whether chunks that differ are written again, or only reported. */
  readonly heal: boolean;
  /** True: nobody waits for the verification, which makes room for other copies. */
  readonly background?: boolean | undefined;
  /** Bytes a second; undefined: what the workload's settings say. */
  readonly bandwidthLimit?: number | undefined;
  /** Undefined: what the workload's settings say. */
  readonly quiesce?: boolean | undefined;
  /**
   * True: the last delta of a cutover, whose time is downtime. The VM has to be off, before the snapshot and after it (pitfall 21); VM and target
   * were examined just before and are not again, and the snapshot of a complete cycle stays, to be removed when there is time.
   */
  readonly last?: boolean | undefined;
  /** Of the last delta: when the VM was started that was shut down for it, as it was seen before. Undefined: it was off already, or that is not known. */
  readonly ranSince?: string | undefined;
}

/** How the steps of a cycle are named where a job has several. */
export interface CycleNaming {
  /** Before the names of the steps, such as `round-2`; the same at every repetition. Default: none. */
  readonly prefix?: string | undefined;
  /** The job's step under which all of the cycle is shown; see `StepOptions.within`. */
  readonly within?: string | undefined;
  /** What stands before what is done now, where it is shown under another step. */
  readonly label?: string | undefined;
}

/** A cycle that is complete: the replica shows this point. */
export interface CycleOutcome {
  readonly record: CycleRecord;
  readonly verified: boolean;
  /** Of the last delta: how the VM was right after its snapshot. */
  readonly mark?: PowerMark | undefined;
}

/**
 * Copies a consistent point of all disks into the workload's volumes. Whatever happens, the volumes are detached and the snapshot is
 * removed at the end; what was copied is the seed of the next run.
 * @throws OsseaError what the first step that failed threw
 */
export async function runCycle(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string,
  request: CycleRequest,
  naming: CycleNaming = {},
): Promise<CycleOutcome> {
  const steps = new CycleSteps(run, naming);
  let outcome: CycleOutcome | undefined;
  let failure: unknown;
  // From the first write until the volumes are detached: a test may snapshot them before or after, not in between.
  using turn = new DisposableStack();
  try {
    outcome = await copyPoint(parts, run, steps, workloadId, request, turn);
  } catch (error) {
    failure = error;
  }
  const completed = outcome !== undefined;
  const keepSnapshot = completed && request.last === true;
  const problem = await release(parts, run, steps, workloadId, { turn, completed, keepSnapshot });
  if (failure !== undefined) throw failure;
  if (problem) throw OsseaError.fromProblem(problem);
  if (!outcome) throw new TypeError('A cycle ended without an outcome');
  return outcome;
}

/** The steps of one cycle of a job. */
class CycleSteps {
  readonly #run: JobRun;
  readonly #naming: CycleNaming;

  constructor(run: JobRun, naming: CycleNaming) {
    this.#run = run;
    this.#naming = naming;
  }

  /** What tells this cycle's snapshot from others of the job. */
  get token(): string {
    const { prefix } = this.#naming;
    return prefix === undefined
      ? snapshotName(this.#run.jobId)
      : `${snapshotName(this.#run.jobId)} ${prefix}`;
  }

  step<T>(
    name: string,
    title: string,
    work: (signal: AbortSignal) => Promise<T>,
    options: Pick<StepOptions, 'undo'> = {},
  ): Promise<T> {
    const { prefix, within, label } = this.#naming;
    const full = prefix === undefined ? name : `${prefix}.${name}`;
    const shown = { within, title: label === undefined ? title : `${label}: ${title}` };
    return this.#run.step(full, work, { ...options, ...(within !== undefined && shown) });
  }
}

async function copyPoint(
  parts: WorkflowParts,
  run: JobRun,
  steps: CycleSteps,
  workloadId: string,
  request: CycleRequest,
  turn: DisposableStack,
): Promise<CycleOutcome> {
  const { store, sessions } = parts;
  const { heal } = request;
  // Not in a step: a process that goes on with a job has to keep to it too.
  const { settings } = await store.workloads.require(workloadId);
  run.limiter.setRate(request.bandwidthLimit ?? settings.bandwidthLimit);

  const begun = await steps.step('preflight', 'Check the VM and the target', async (signal) => {
    const startedAt = new Date().toISOString();
    const workload = await store.workloads.require(workloadId);
    await haveEndpoints(parts, run, workload, signal);
    const client = await sessions.vcenter(workload.sourceId);
    await removeEarlierSnapshots(parts, client, workload, run.jobId, signal);
    const vm = await findSourceVm(parts, workload);
    await store.workloads.putDisks(workloadId, identifyDisks(workload.disks, vm));
    await store.workloads.update(workloadId, { name: vm.name, moRef: vm.moRef });
    await store.workloads.putSourceVm(workloadId, await withTags(parts, workload, vm, request.last !== true));
    if (request.last !== true) {
      await assertReady(parts, await store.workloads.require(workloadId), vm, signal);
      await enableChangeTracking(parts, run, workload, vm, signal);
    }
    return { startedAt, previousPointAt: workload.replicatedUntil };
  });

  const point = await steps.step('snapshot', 'Take a snapshot', async (signal) => {
    const workload = await store.workloads.require(workloadId);
    await haveEndpoints(parts, run, workload, signal);
    const client = await sessions.vcenter(workload.sourceId);
    const vm = await findSourceVm(parts, workload);
    const quiesce = request.quiesce ?? workload.settings.quiesce === 'always';
    const job = { id: run.jobId, token: steps.token, workloadId, sourceId: workload.sourceId };
    const earlier = request.last ? await client.findSnapshot(vm.moRef, steps.token, signal) : undefined;
    if (request.last && vm.powerState !== 'poweredOff') throw sourceRuns(workload);
    const { snapshot, takenAt } = await takeSnapshot(parts, client, job, vm, quiesce, signal);
    const mark = request.last ? await client.powerMark(vm.moRef, signal) : undefined;
    if (mark && mark.powerState !== 'poweredOff') throw sourceRuns(workload);
    const held = await client.snapshotDisks(snapshot);
    // Looked at again: another's snapshot may have come just before ours.
    const { snapshots } = await client.vm(vm.moRef, signal);
    // The snapshot's own word counts: between the check and it a disk may have grown, or another have come in its place (pitfalls 9, 18).
    await store.workloads.putDisks(workloadId, identifyDisks(workload.disks, { disks: held }));
    // The changeIds as the snapshot has them, before a byte is read (pitfall 3).
    const disks = (await store.workloads.require(workloadId)).disks.map(
      ({ id, key, label }): CycleDisk => ({
        diskId: id,
        key,
        label,
        changeId: held.find((disk) => disk.key === key)?.changeId,
      }),
    );
    return {
      snapshot,
      takenAt,
      disks,
      consistency: consistencyOf(vm, quiesce),
      lineage: {
        revertible: snapshots.some(({ moRef }) => moRef !== snapshot),
        // As it was before the snapshot: a start after it would be taken for one that came before.
        bootTime: request.last ? request.ranSince : vm.bootTime,
      },
      // Whether it ran since a snapshot of an earlier process is not known: a mark that nothing equals has that looked into.
      mark: mark && { ...mark, ...(earlier !== undefined && { changeVersion: '' }) },
    };
  });

  turn.use(
    await parts.replicaTurns.take(run, workloadId, 'A replication writes to the volumes.', run.signal),
  );
  const grown = await steps.step('volumes', 'Create the volumes', async (signal) => {
    const workload = await store.workloads.require(workloadId);
    await haveEndpoints(parts, run, workload, signal);
    return makeVolumes(parts, workload, signal);
  });

  const copied = await steps.step('copy', 'Copy the disks', async (signal) => {
    const cycle = await openCycle(parts, run, workloadId, { ...point, token: steps.token }, signal);
    return eachDisk(parts, point.disks, signal, (disk, diskSignal) =>
      copyWorkloadDisk(parts, run, cycle, disk, diskSignal),
    );
  });

  const proven = await steps.step('verify', 'Verify the copy', async (signal) => {
    const cycle = await openCycle(parts, run, workloadId, { ...point, token: steps.token }, signal);
    const mode = request.verify ?? cycle.workload.settings.verify;
    const reports = await eachDisk(parts, point.disks, signal, (disk, diskSignal) =>
      verifyWorkloadDisk(
        parts,
        run,
        cycle,
        disk,
        { mode, heal, background: request.background, copied: copiedOf(copied, disk) },
        diskSignal,
      ),
    );
    for (const report of reports) await store.jobs.putReport(run.jobId, report);
    assertVerified(cycle.workload.name, reports);
    return { verified: reports.every((report) => report.verified) };
  });

  const record = await steps.step('record', 'Record the point in time', async () => {
    const cycle: CycleRecord = {
      jobId: run.jobId,
      pointAt: point.takenAt,
      ...(begun.previousPointAt !== undefined && { previousPointAt: begun.previousPointAt }),
      startedAt: begun.startedAt,
      endedAt: new Date().toISOString(),
      consistency: point.consistency,
      disks: copied.map(({ diskId, record }) => {
        const grownBytes = grown.find((disk) => disk.diskId === diskId)?.bytes;
        return grownBytes === undefined ? record : { ...record, grownBytes };
      }),
    };
    await store.workloads.completeCycle(workloadId, new Date(point.takenAt), point.disks);
    await store.cycles.put(workloadId, cycle);
    await tellWorkload(parts, workloadId);
    return cycle;
  });
  return { record, verified: proven.verified, mark: point.mark };
}

function consistencyOf({ powerState }: VirtualMachine, quiesced: boolean): CycleRecord['consistency'] {
  if (powerState === 'poweredOff') return 'powered-off';
  return quiesced ? 'quiesced' : 'crash';
}

/** Detaches the volumes and removes the snapshot; the problem of the first that fails. */
async function release(
  parts: WorkflowParts,
  run: JobRun,
  steps: CycleSteps,
  workloadId: string,
  {
    turn,
    completed,
    keepSnapshot,
  }: { readonly turn: Disposable; readonly completed: boolean; readonly keepSnapshot: boolean },
): Promise<Problem | undefined> {
  const { store, sessions } = parts;
  let failure: Problem | undefined;
  const attempt = async (name: string, title: string, work: (signal: AbortSignal) => Promise<null>) => {
    try {
      await steps.step(name, title, work, { undo: true });
    } catch (error) {
      failure ??= run.problemOf(error);
    }
  };
  await attempt('detach', 'Detach the volumes', async (signal) => {
    await detachVolumes(parts, run, workloadId, signal);
    if (completed) await dropRemovedDisks(parts, workloadId, signal);
    return null;
  });
  turn[Symbol.dispose]();
  if (keepSnapshot) return failure;
  await attempt('remove-snapshot', 'Remove the snapshot', async (signal) => {
    const workload = await store.workloads.require(workloadId);
    for (const effect of await store.effects.listOpen({ jobId: run.jobId, kind: 'snapshot' })) {
      await haveCredentials(parts, run, [await store.sources.require(effect.endpointId)], signal);
      const client = await sessions.vcenter(effect.endpointId);
      await removeSnapshotEffect(parts, client, effect, workload.instanceUuid, signal);
    }
    return null;
  });
  return failure;
}

async function openCycle(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string,
  point: { readonly snapshot: MoRef; readonly token: string; readonly lineage?: Lineage },
  signal: AbortSignal,
): Promise<Cycle> {
  const workload = await parts.store.workloads.require(workloadId);
  await haveEndpoints(parts, run, workload, signal);
  const { snapshot, token, lineage } = point;
  const vm = await findSourceVm(parts, workload);
  return { workload, vm, snapshot, pointId: `${snapshot} ${token}`, lineage };
}

function copiedOf(copied: readonly CopiedDisk[], disk: CycleDisk): CopiedDisk {
  const found = copied.find(({ diskId }) => diskId === disk.diskId);
  if (!found) throw new TypeError(`${disk.label} was not copied`);
  return found;
}

/** @throws OsseaError `verify.mismatch` where a disk that was to be verified is not equal */
export function assertVerified(name: string, reports: readonly DiskReport[]): void {
  const wrong = reports.filter((report) => report.verifyMode !== 'none' && !report.verified);
  if (wrong.length === 0) return;
  const list = wrong.map((report) => `${report.label} (${report.mismatchedChunks} chunks)`).join(', ');
  throw new OsseaError('verify.mismatch', `The replica of ${name} differs from its source: ${list}.`, {
    remedy: 'Check the storage of the target, then replicate again: only what differs is written.',
  });
}
