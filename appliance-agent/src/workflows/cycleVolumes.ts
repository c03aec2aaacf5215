import { rm } from 'node:fs/promises';
import { OsseaError, type Workload } from '../contract/index.ts';
import { journalPath } from './copyWorkloadDisk.ts';
import type { JobRun } from './jobRun.ts';
import { haveCredentials, type WorkflowParts } from './parts.ts';

/** Creates the volumes that are missing, and makes those larger whose disks have grown; tells by how much the disks did. */
export async function makeVolumes(
  { store, sessions }: WorkflowParts,
  workload: Workload,
  signal: AbortSignal,
): Promise<{ diskId: string; bytes: number }[]> {
  const grown: { diskId: string; bytes: number }[] = [];
  const { config } = await store.targets.require(workload.targetId);
  const volumes = await sessions.volumes(workload.targetId);
  for (const disk of workload.disks) {
    const diskOfferingId = disk.diskOfferingId ?? config.diskOfferingId;
    if (config.zoneId === undefined || diskOfferingId === undefined)
      throw incomplete(config.zoneId === undefined);
    const before = await store.volumes.get(disk.id);
    if (before && before.state !== 'creating' && before.requestedBytes < disk.capacityBytes) {
      // What an interrupted run left attached would go on with the old size.
      await volumes.detach(disk.id, signal);
      await volumes.resize(disk.id, disk.capacityBytes, signal);
      grown.push({ diskId: disk.id, bytes: disk.capacityBytes - before.requestedBytes });
      continue;
    }
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
  return grown;
}

/** Detaches what is attached to the appliance of a workload. */
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

/** Deletes the replicas of disks that the VM no longer has; a complete point of those that it has is there (pitfall 23). */
export async function dropRemovedDisks(
  { config, store, sessions }: WorkflowParts,
  workloadId: string,
  signal: AbortSignal,
): Promise<void> {
  const workload = await store.workloads.require(workloadId);
  const kept = new Set(workload.disks.map(({ id }) => id));
  for (const { id, workloadDiskId } of await store.volumes.ofWorkload(workloadId)) {
    if (kept.has(workloadDiskId)) continue;
    await (await sessions.volumes(workload.targetId)).delete(id, signal);
    await rm(journalPath(config.stateDir, workloadDiskId), { force: true });
  }
}

function incomplete(zone: boolean): OsseaError {
  const what = zone ? 'zone' : 'disk offering';
  return new OsseaError('config.incomplete', `No ${what} is chosen for the replica volumes.`, {
    field: zone ? 'target.zoneId' : 'target.diskOfferingId',
    remedy: `Choose a ${what} for the target.`,
  });
}
