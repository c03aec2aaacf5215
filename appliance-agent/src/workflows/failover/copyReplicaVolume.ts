import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyDisk } from '../../blockcopy/copyDisk.ts';
import { openDeviceSource } from '../../blockcopy/deviceSource.ts';
import { openDeviceTarget } from '../../blockcopy/deviceTarget.ts';
import { openJournal } from '../../blockcopy/journal.ts';
import type { RecoveryPoint, Workload, WorkloadDisk } from '../../contract/index.ts';
import type { OnWaiting } from '../../volumes/volumeService.ts';
import { journalFolder } from '../copyWorkloadDisk.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';

export interface ReplicaCopy {
  readonly workload: Workload;
  readonly disk: WorkloadDisk;
  /** The clone's record. */
  readonly recordId: string;
  readonly point: RecoveryPoint;
}

/**
 * Makes a clone of a replica's volume by copying it through the appliance, for storage without snapshots. The caller holds the replica's turn. May be
 * repeated: it goes on where it was, unless the replica has gone on to another point.
 * @throws OsseaError `cloudstack.*`, `volume.*`, `target.*`, `copy.*`
 */
export async function copyReplicaVolume(
  { config, store, sessions, limiter }: WorkflowParts,
  run: JobRun,
  { workload, disk, recordId, point }: ReplicaCopy,
  signal: AbortSignal,
): Promise<void> {
  const replica = await store.volumes.get(disk.id);
  if (!replica) throw new TypeError(`${disk.label} has no volume record`);
  const volumes = await sessions.volumes(workload.targetId);
  await volumes.create(
    {
      recordId,
      role: 'clone',
      workload: { id: workload.id, name: workload.name },
      disk: { id: disk.id, label: disk.label },
      bytes: replica.requestedBytes,
      zoneId: replica.zoneId,
      diskOfferingId: replica.diskOfferingId,
    },
    signal,
  );
  const journalPath = join(journalFolder(config.stateDir), `${recordId}.journal`);
  const onWaiting: OnWaiting = (wait) => {
    run.waiting(wait?.reason, wait?.message).catch(() => undefined);
  };
  try {
    const from = await volumes.attach(disk.id, signal, onWaiting);
    const to = await volumes.attach(recordId, signal, onWaiting);
    const { volumeId, requestedBytes } = to.record;
    if (volumeId === undefined) throw new TypeError('An attached volume has an id');
    await using source = await openDeviceSource({ path: from.devicePath, sizeBytes: requestedBytes });
    await using target = await openDeviceTarget({
      path: to.devicePath,
      needBytes: requestedBytes,
      knownZero: to.knownZero,
    });
    await mkdir(journalFolder(config.stateDir), { recursive: true, mode: 0o700 });
    await using journal = await openJournal(journalPath, { volumeId, capacityBytes: requestedBytes });
    await journal.noteTarget(target.knownZero);
    await volumes.markWritten(recordId, signal);
    if (journal.point?.snapshot !== point.at) await journal.beginPoint({ snapshot: point.at }, 'all');
    await copyDisk({
      source,
      target,
      journal,
      label: `${workload.name}, clone of ${disk.label}`,
      limiters: [limiter, run.limiter],
      signal,
      onProgress: (progress) => run.report({ ...progress, key: disk.key, label: disk.label }),
    });
  } finally {
    if (!run.shutdownSignal.aborted) {
      for (const id of [disk.id, recordId]) await volumes.detach(id, run.shutdownSignal);
    }
  }
  await rm(journalPath, { force: true });
}
