import type { CloudStackClient } from '../../cloudstack/client.ts';
import type { Failover, TargetEndpoint } from '../../contract/index.ts';
import type { StoredVolume } from '../../store/schema.ts';
import type { VolumeService } from '../../volumes/volumeService.ts';
import type { JobRun } from '../jobRun.ts';
import { haveCredentials, type WorkflowParts } from '../parts.ts';
import { ownerIdOf } from './ownerIds.ts';

/** The cloud that a failover goes to. */
export interface FailoverCloud {
  readonly target: TargetEndpoint;
  readonly client: CloudStackClient;
  readonly volumes: VolumeService;
}

/** Waits for credentials and opens the cloud. @throws OsseaError `cloudstack.*` */
export async function openCloud(
  parts: WorkflowParts,
  run: JobRun,
  failover: Pick<Failover, 'id' | 'workloadId'>,
  signal: AbortSignal,
): Promise<FailoverCloud> {
  const { store, sessions } = parts;
  const targetId = await targetOf(parts, failover);
  const target = await store.targets.require(targetId);
  await haveCredentials(parts, run, [target], signal);
  return { target, client: await sessions.cloud(targetId), volumes: await sessions.volumes(targetId) };
}

/** Of its workload, or where that is forgotten, of what it made. */
async function targetOf(
  { store }: WorkflowParts,
  { id, workloadId }: Pick<Failover, 'id' | 'workloadId'>,
): Promise<string> {
  const workload = await store.workloads.get(workloadId);
  if (workload) return workload.targetId;
  const [effect] = await store.effects.listOpen({ failoverId: id, kind: 'vm' });
  return effect?.endpointId ?? (await store.workloads.require(workloadId)).targetId;
}

/** The volumes that a failover works with: a test's clones, or the replica. */
export async function volumesOf(
  { store }: WorkflowParts,
  failover: Pick<Failover, 'id' | 'kind' | 'workloadId'>,
): Promise<StoredVolume[]> {
  if (failover.kind === 'live') return store.volumes.ofWorkload(failover.workloadId);
  const clones = await store.volumes.ofWorkload(failover.workloadId, 'clone');
  return clones.filter(({ id, workloadDiskId }) => id === ownerIdOf(failover.id, 'clone', workloadDiskId));
}

/** Whether the replica of a live failover's workload is another one's by now. */
export async function anotherStands(
  { store }: WorkflowParts,
  { id, kind, workloadId }: Pick<Failover, 'id' | 'kind' | 'workloadId'>,
): Promise<boolean> {
  if (kind !== 'live') return false;
  const standing = await store.failovers.listOpen({ workloadId, kind });
  return standing.some((other) => other.id !== id && other.state !== 'scheduled');
}
