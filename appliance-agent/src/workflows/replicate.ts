import {
  type DiskReport,
  isOsseaError,
  type MoRef,
  OsseaError,
  type Problem,
  type VirtualMachine,
  type Workload,
} from '../contract/index.ts';
import { type CopiedDisk, copyWorkloadDisk, verifyWorkloadDisk } from './copyWorkloadDisk.ts';
import type { Cycle, CycleDisk } from './cycle.ts';
import { identifyDisks } from './diskIdentity.ts';
import { eachDisk } from './eachDisk.ts';
import { cancelError, type JobRun } from './jobRun.ts';
import { haveCredentials, tellWorkload, type WorkflowParts } from './parts.ts';
import { assertReady } from './readiness.ts';
import { removeEarlierSnapshots, removeSnapshotEffect, snapshotName, takeSnapshot } from './snapshots.ts';

/** The steps, in order, as people read them. */
export const replicateSteps = [
  { name: 'preflight', title: 'Check the VM and the target' },
  { name: 'snapshot', title: 'Take a snapshot' },
  { name: 'volumes', title: 'Create the volumes' },
  { name: 'copy', title: 'Copy the disks' },
  { name: 'verify', title: 'Verify the copy' },
  { name: 'record', title: 'Record the point in time' },
  { name: 'detach', title: 'Detach the volumes' },
  { name: 'remove-snapshot', title: 'Remove the snapshot' },
] as const;

/** What a cycle is asked for. */
export interface CycleRequest {
  /** Undefined: what the workload's settings say. */
  readonly verify?: DiskReport['verifyMode'] | undefined;
  /** Whether chunks that differ are written again, or only reported. */
  readonly heal: boolean;
  /** Bytes a second; undefined: what the workload's settings say. */
  readonly bandwidthLimit?: number | undefined;
}

/**
 * Copies a consistent point of all disks into the workload's volumes. Whatever happens, the volumes are detached and the snapshot is
 * removed at the end; what was copied is the seed of the next run.
 */
export async function replicate(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string,
  request: CycleRequest,
): Promise<void> {
  let failure: Problem | undefined;
  try {
    await runCycle(parts, run, workloadId, request);
  } catch (error) {
    failure = run.cancelled ? cancelError().toProblem() : run.problemOf(error);
  }
  failure = (await release(parts, run, workloadId)) ?? failure;
  await finish(parts, run, workloadId, failure);
}

async function runCycle(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string,
  request: CycleRequest,
): Promise<void> {
  const { store, sessions } = parts;
  const { heal } = request;
  // Not in a step: a process that goes on with a job has to keep to it too.
  const { settings } = await store.workloads.require(workloadId);
  run.limiter.setRate(request.bandwidthLimit ?? settings.bandwidthLimit);

  await run.step('preflight', async (signal) => {
    const workload = await store.workloads.require(workloadId);
    await haveEndpoints(parts, run, workload, signal);
    const client = await sessions.vcenter(workload.sourceId);
    await removeEarlierSnapshots(parts, client, workload, run.jobId, signal);
    const vm = await findSourceVm(parts, workload);
    await store.workloads.putDisks(workloadId, identifyDisks(workload.disks, vm));
    await store.workloads.update(workloadId, { name: vm.name, moRef: vm.moRef });
    await assertReady(parts, await store.workloads.require(workloadId), vm, signal);
    await enableChangeTracking(parts, run, workload, vm, signal);
    return { vm: vm.moRef };
  });

  const point = await run.step('snapshot', async (signal) => {
    const workload = await store.workloads.require(workloadId);
    await haveEndpoints(parts, run, workload, signal);
    const client = await sessions.vcenter(workload.sourceId);
    const vm = await findSourceVm(parts, workload);
    const quiesce = workload.settings.quiesce === 'always';
    const job = { id: run.jobId, workloadId, sourceId: workload.sourceId };
    const { snapshot, takenAt } = await takeSnapshot(parts, client, job, vm, quiesce, signal);
    const held = await client.snapshotDisks(snapshot);
    // The changeIds as the snapshot has them, before a byte is read (pitfall 3).
    const disks = workload.disks.map((disk): CycleDisk => {
      const inSnapshot = held.find(({ key }) => key === disk.key);
      if (!inSnapshot) {
        throw new OsseaError('source.unavailable', `The snapshot of ${workload.name} has no ${disk.label}.`, {
          remedy:
            'A disk was removed in between, or takes no part in snapshots. Start the replication again.',
        });
      }
      return { diskId: disk.id, key: disk.key, label: disk.label, changeId: inSnapshot.changeId };
    });
    return { snapshot, takenAt, disks };
  });

  await run.step('volumes', async (signal) => {
    const workload = await store.workloads.require(workloadId);
    await haveEndpoints(parts, run, workload, signal);
    const { config } = await store.targets.require(workload.targetId);
    const volumes = await sessions.volumes(workload.targetId);
    for (const disk of workload.disks) {
      const diskOfferingId = disk.diskOfferingId ?? config.diskOfferingId;
      if (config.zoneId === undefined || diskOfferingId === undefined)
        throw incomplete(config.zoneId === undefined);
      await volumes.create(
        {
          recordId: disk.id,
          workload: { id: workload.id, name: workload.name },
          disk: { id: disk.id, label: disk.label },
          bytes: disk.capacityBytes,
          zoneId: config.zoneId,
          diskOfferingId,
        },
        signal,
      );
    }
    return null;
  });

  const copied = await run.step('copy', async (signal) => {
    const cycle = await openCycle(parts, run, workloadId, point.snapshot, signal);
    return eachDisk(parts, point.disks, signal, (disk, diskSignal) =>
      copyWorkloadDisk(parts, run, cycle, disk, diskSignal),
    );
  });

  const proven = await run.step('verify', async (signal) => {
    const cycle = await openCycle(parts, run, workloadId, point.snapshot, signal);
    const mode = request.verify ?? cycle.workload.settings.verify;
    const reports = await eachDisk(parts, point.disks, signal, (disk, diskSignal) =>
      verifyWorkloadDisk(parts, run, cycle, disk, { mode, heal, copied: copiedOf(copied, disk) }, diskSignal),
    );
    for (const report of reports) await store.jobs.putReport(run.jobId, report);
    assertVerified(cycle.workload.name, reports);
    return { verified: reports.every((report) => report.verified) };
  });
  run.logger.info({ verified: proven.verified }, 'disks copied');

  await run.step('record', async () => {
    await store.workloads.completeCycle(workloadId, new Date(point.takenAt), point.disks);
    await tellWorkload(parts, workloadId);
    return null;
  });
}

/** Detaches the volumes and removes the snapshot; the problem of the first that fails. */
async function release(parts: WorkflowParts, run: JobRun, workloadId: string): Promise<Problem | undefined> {
  const { store, sessions } = parts;
  const undo = { undo: true };
  let failure: Problem | undefined;
  const attempt = async (name: string, work: (signal: AbortSignal) => Promise<null>) => {
    try {
      await run.step(name, work, undo);
    } catch (error) {
      failure ??= run.problemOf(error);
    }
  };
  await attempt('detach', (signal) => detachVolumes(parts, run, workloadId, signal));
  await attempt('remove-snapshot', async (signal) => {
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

/** Detaches what is attached of a workload. */
export async function detachVolumes(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string,
  signal: AbortSignal,
): Promise<null> {
  const { store, sessions } = parts;
  const workload = await store.workloads.require(workloadId);
  // A volume that was never created has nothing to be detached.
  const attached = (await store.volumes.ofWorkload(workloadId)).filter(({ state }) =>
    ['attaching', 'attached', 'detaching'].includes(state),
  );
  if (attached.length === 0) return null;
  await haveCredentials(parts, run, [await store.targets.require(workload.targetId)], signal);
  const volumes = await sessions.volumes(workload.targetId);
  for (const { id } of attached) await volumes.detach(id, signal);
  return null;
}

/** Writes the job's end down, where it happened or in a process after it. */
export async function finish(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string | undefined,
  failure: Problem | undefined,
): Promise<void> {
  const { store } = parts;
  await run.close();
  const cancelled = failure?.code === 'job.cancelled';
  if (failure && !cancelled) {
    await run.change({ state: 'failed', waitReason: null, message: null, problem: failure });
    if (workloadId !== undefined) await store.workloads.update(workloadId, { attention: failure });
  } else {
    await run.change({ state: cancelled ? 'cancelled' : 'succeeded', waitReason: null, message: null });
    if (workloadId !== undefined && !cancelled) await store.workloads.update(workloadId, { attention: null });
  }
  if (workloadId !== undefined) await tellWorkload(parts, workloadId);
}

async function openCycle(
  parts: WorkflowParts,
  run: JobRun,
  workloadId: string,
  snapshot: MoRef,
  signal: AbortSignal,
): Promise<Cycle> {
  const workload = await parts.store.workloads.require(workloadId);
  await haveEndpoints(parts, run, workload, signal);
  return { workload, snapshot, vm: await findSourceVm(parts, workload) };
}

async function haveEndpoints(
  parts: WorkflowParts,
  run: JobRun,
  workload: Workload,
  signal: AbortSignal,
): Promise<void> {
  const source = await parts.store.sources.require(workload.sourceId);
  const target = await parts.store.targets.require(workload.targetId);
  await haveCredentials(parts, run, [source, target], signal);
}

/** The workload's VM by its instance UUID: MoRefs and names change. @throws OsseaError `vsphere.not-found` */
export async function findSourceVm({ sessions }: WorkflowParts, workload: Workload): Promise<VirtualMachine> {
  const client = await sessions.vcenter(workload.sourceId);
  const vm = await client.findVm({ instanceUuid: workload.instanceUuid });
  if (vm) return vm;
  throw new OsseaError('vsphere.not-found', `${workload.name} is not in vCenter any more.`, {
    field: 'instanceUuid',
    value: workload.instanceUuid,
    remedy:
      'See whether the VM was deleted or moved to another vCenter; then remove the workload or add the VM anew.',
  });
}

/** Where change tracking is off it is switched on, with the short stun that makes it count; where that is refused, the copy goes on without. */
async function enableChangeTracking(
  { store, sessions }: WorkflowParts,
  run: JobRun,
  workload: Workload,
  vm: VirtualMachine,
  signal: AbortSignal,
): Promise<void> {
  if (vm.changeTracking || !vm.changeTrackingSupported || vm.snapshots.length > 0) return;
  const token = `${snapshotName(run.jobId)} cbt`;
  const effect = await store.effects.intend({
    jobId: run.jobId,
    kind: 'snapshot',
    token,
    endpointId: workload.sourceId,
    workloadId: workload.id,
  });
  try {
    const client = await sessions.vcenter(workload.sourceId);
    await client.enableChangeTracking(vm.moRef, token, signal);
    await store.effects.markUndone(effect.id);
  } catch (error) {
    if (signal.aborted || !isOsseaError(error)) throw error;
    run.logger.warn({ code: error.code, detail: error.message }, 'changed block tracking stays off');
  }
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

function incomplete(zone: boolean): OsseaError {
  const what = zone ? 'zone' : 'disk offering';
  return new OsseaError('config.incomplete', `No ${what} is chosen for the replica volumes.`, {
    field: zone ? 'target.zoneId' : 'target.diskOfferingId',
    remedy: `Choose a ${what} for the target.`,
  });
}
