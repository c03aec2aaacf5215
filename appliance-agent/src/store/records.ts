import type { Selectable } from 'kysely';
import {
  type Job,
  type JobStep,
  SourceEndpoint,
  TargetEndpoint,
  Token,
  Workload,
  type WorkloadDisk,
} from '../contract/index.ts';
import type { Schema } from './schema.ts';

type Row<T extends keyof Schema> = Selectable<Schema[T]>;

/** A moment as the contract has it; undefined for null. */
export function timestamp(date: Date | null): string | undefined {
  return date?.toISOString();
}

/** Drops members whose value is undefined or null, as the contract's optional members are absent then. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], null> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined && value !== null);
  // Only absent members are left out, which the type's readers must expect anyway.
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], null> };
}

/** The lease is told by who keeps it. */
const noLease = { kind: 'none' as const };

export function sourceOf(row: Row<'sources'>): SourceEndpoint {
  return SourceEndpoint.parse(
    present({
      id: row.id,
      name: row.name,
      url: row.url,
      fingerprint: row.fingerprint,
      instanceUuid: row.instance_uuid,
      lease: noLease,
      createdAt: timestamp(row.created_at),
    }),
  );
}

export function targetOf(row: Row<'targets'>): TargetEndpoint {
  return TargetEndpoint.parse(
    present({
      id: row.id,
      name: row.name,
      url: row.url,
      fingerprint: row.fingerprint,
      config: row.config,
      applianceVmId: row.appliance_vm_id,
      lease: noLease,
      createdAt: timestamp(row.created_at),
    }),
  );
}

export function tokenOf(row: Row<'tokens'>): Token {
  return Token.parse(
    present({
      id: row.id,
      name: row.name,
      role: row.role,
      createdAt: timestamp(row.created_at),
      expiresAt: timestamp(row.expires_at),
      revokedAt: timestamp(row.revoked_at),
      lastUsedAt: timestamp(row.last_used_at),
    }),
  );
}

/** What a volume's record adds to its disk. */
export interface DiskVolume {
  readonly workloadDiskId: string;
  readonly volumeId: string | undefined;
  readonly name: string;
  readonly sizeBytes: number;
}

export function workloadOf(
  row: Row<'workloads'>,
  disks: readonly Row<'workload_disks'>[],
  volumes: readonly DiskVolume[],
  active: {
    readonly currentJobId: string | undefined;
    readonly testJobId: string | undefined;
    readonly failoverId: string | undefined;
  },
): Workload {
  return Workload.parse(
    present({
      id: row.id,
      name: row.name,
      sourceId: row.source_id,
      targetId: row.target_id,
      instanceUuid: row.instance_uuid,
      moRef: row.mo_ref,
      state: row.state,
      attention: row.attention,
      disks: disks.map((disk) => diskOf(row, disk, volumes)),
      settings: row.settings,
      ...active,
      replicatedUntil: timestamp(row.replicated_until),
      createdAt: timestamp(row.created_at),
    }),
  );
}

function diskOf(
  workload: Row<'workloads'>,
  disk: Row<'workload_disks'>,
  volumes: readonly DiskVolume[],
): { [K in keyof WorkloadDisk]?: unknown } {
  const volume = volumes.find(({ workloadDiskId }) => workloadDiskId === disk.id);
  return present({
    id: disk.id,
    key: disk.device_key,
    backingUuid: disk.backing_uuid,
    label: disk.label,
    capacityBytes: disk.capacity_bytes,
    diskOfferingId: workload.settings.disks.find(({ key }) => key === disk.device_key)?.diskOfferingId,
    volumeId: volume?.volumeId,
    volumeName: volume?.name,
    volumeBytes: volume?.sizeBytes,
    changeId: disk.change_id,
    transport: disk.transport,
  });
}

export function stepOf(row: Row<'job_steps'>): JobStep {
  return present({
    name: row.name,
    title: row.title,
    state: row.state,
    startedAt: timestamp(row.started_at),
    endedAt: timestamp(row.ended_at),
    message: row.message ?? undefined,
  });
}

export function jobOf(
  row: Row<'jobs'>,
  steps: readonly Row<'job_steps'>[],
  disks: readonly Row<'job_disks'>[],
): Job {
  const progress = disks.flatMap((disk) => (disk.progress ? [disk.progress] : []));
  const sum = (count: (disk: (typeof progress)[number]) => number) =>
    progress.reduce((total, disk) => total + count(disk), 0);
  const running = row.state === 'running' || row.state === 'waiting';
  const bytesPerSecond = running ? sum((disk) => disk.bytesPerSecond) : 0;
  const plannedBytes = sum((disk) => disk.plannedBytes);
  const doneBytes = sum((disk) => disk.doneBytes);
  return present({
    id: row.id,
    kind: row.kind,
    workloadId: row.workload_id ?? undefined,
    workloadName: row.workload_name ?? undefined,
    state: row.state,
    paused: row.paused || undefined,
    waitReason: row.wait_reason ?? undefined,
    message: row.message ?? undefined,
    problem: row.problem ?? undefined,
    steps: steps.map(stepOf),
    disks: progress,
    reports: disks.flatMap((disk) => (disk.report ? [disk.report] : [])),
    plannedBytes,
    doneBytes,
    bytesPerSecond,
    etaSeconds: bytesPerSecond > 0 ? Math.max(0, plannedBytes - doneBytes) / bytesPerSecond : undefined,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    startedAt: timestamp(row.started_at),
    endedAt: timestamp(row.ended_at),
  });
}
