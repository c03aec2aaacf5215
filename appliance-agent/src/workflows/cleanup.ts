import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Orphan, OsseaError, type Problem, StartCleanup, type Workload } from '../contract/index.ts';
import { journalFolder } from './copyWorkloadDisk.ts';
import { findEndedRemains, removeEndedRemains } from './failover/endedRemains.ts';
import { keepReports } from './failover/failoverReport.ts';
import { finishJob } from './finishJob.ts';
import { cancelError, type JobRun } from './jobRun.ts';
import { haveCredentials, type WorkflowParts } from './parts.ts';
import { removeSnapshotEffect } from './snapshots.ts';

/** The steps, in order, as people read them. */
export const cleanupSteps = [
  { name: 'snapshots', title: 'Remove snapshots' },
  { name: 'volumes', title: 'Remove what failovers left; detach and delete volumes' },
  { name: 'forget', title: 'Remove journals and records' },
] as const;

/** How long a cloud may take to tell what it has. Milliseconds. */
const askTimeoutMs = 120_000;

/** What exists outside the agent, or lies about in it, that no active job needs; oldest first. */
export async function findLeftovers(
  parts: WorkflowParts,
  request: StartCleanup,
  ownJobId?: string,
): Promise<Orphan[]> {
  const { store } = parts;
  const workloads = (await store.workloads.list()).filter(
    ({ id }) => request.workloadId === undefined || id === request.workloadId,
  );
  // A cleanup's own job does not keep its workload busy.
  const active = (await store.jobs.listActive()).filter(({ id }) => id !== ownJobId);
  const busy = new Set(active.map(({ workloadId }) => workloadId));
  const orphans: Orphan[] = [];
  for (const effect of await store.effects.listOpen({ kind: 'snapshot' })) {
    if (busy.has(effect.workloadId)) continue;
    if (request.workloadId !== undefined && effect.workloadId !== request.workloadId) continue;
    orphans.push({
      kind: 'snapshot',
      id: effect.id,
      name: effect.token,
      endpointId: effect.endpointId,
      workloadId: effect.workloadId,
      foundAt: new Date().toISOString(),
      action: 'Remove it from vCenter and consolidate the disks.',
    });
  }
  orphans.push(...(await findVolumes(parts, request, busy)));
  const ended = await findEndedRemains(parts, AbortSignal.timeout(askTimeoutMs));
  orphans.push(
    ...ended.filter(
      ({ workloadId }) =>
        !busy.has(workloadId) && (request.workloadId === undefined || request.workloadId === workloadId),
    ),
  );
  if (request.workloadId === undefined || request.removeReplica) {
    orphans.push(...(await findJournals(parts, request, workloads)));
  }
  return orphans;
}

async function findVolumes(
  { store, credentials, sessions }: WorkflowParts,
  request: StartCleanup,
  busy: ReadonlySet<string | undefined>,
): Promise<Orphan[]> {
  const workloads = await store.workloads.list();
  const replicas = new Set(
    workloads
      .filter(({ id }) => !(request.removeReplica && id === request.workloadId))
      .flatMap(({ disks }) => disks.map(({ id }) => id)),
  );
  const testing = new Set(
    (await store.failovers.listOpen({ kind: 'test' })).map(({ workloadId }) => workloadId),
  );
  const orphans: Orphan[] = [];
  for (const { id: targetId } of await store.targets.list()) {
    const records = await store.volumes.list(targetId);
    const inUse = new Set(records.filter(({ workloadId }) => busy.has(workloadId)).map(({ id }) => id));
    const clones = new Set(records.filter(({ workloadId }) => testing.has(workloadId)).map(({ id }) => id));
    // Without credentials the records alone tell; they are compared with the cloud before anything is removed.
    if (records.length === 0 || !credentials.get(targetId)) continue;
    const volumes = await sessions.volumes(targetId);
    orphans.push(...(await volumes.listOrphans({ replicas, clones, inUse })));
  }
  return orphans.filter(
    ({ workloadId }) => request.workloadId === undefined || workloadId === request.workloadId,
  );
}

async function findJournals(
  { config, store }: WorkflowParts,
  request: StartCleanup,
  workloads: readonly Workload[],
): Promise<Orphan[]> {
  const disks = (await store.workloads.list()).flatMap((workload) => workload.disks);
  // A clone that is copied has one too, as long as the test stands.
  const volumes = await store.volumes.listAll();
  const known = new Set([...disks, ...volumes].map(({ id }) => `${id}.journal`));
  const removed = new Set(
    request.removeReplica ? workloads.flatMap(({ disks }) => disks.map(({ id }) => `${id}.journal`)) : [],
  );
  const files = await readdir(journalFolder(config.stateDir)).catch(() => []);
  return files
    .filter((file) => removed.has(file) || (!known.has(file) && request.workloadId === undefined))
    .map((file) => ({
      kind: 'journal',
      id: file,
      name: file,
      foundAt: new Date().toISOString(),
      action: 'Delete the copy journal.',
    }));
}

/** @throws OsseaError `request.conflict` where a failover of the workload stands, which needs what would be removed */
export async function assertForgettable({ store }: WorkflowParts, request: StartCleanup): Promise<void> {
  if (!request.removeReplica || request.workloadId === undefined) return;
  const [standing] = await store.failovers.listOpen({ workloadId: request.workloadId });
  if (!standing) return;
  throw new OsseaError(
    'request.conflict',
    `A ${standing.kind} failover of ${standing.workloadName} stands (${standing.state}); its replica is needed.`,
    { field: 'removeReplica', value: standing.id, remedy: 'End it first.' },
  );
}

/** Removes what is left over; may be repeated, also after a half-done one. With `removeReplica` the workload is forgotten too. */
export async function cleanup(parts: WorkflowParts, run: JobRun, given: unknown): Promise<void> {
  const { store, sessions, config } = parts;
  const request = StartCleanup.parse(given);
  const leftovers = () => findLeftovers(parts, request, run.jobId);
  let failure: Problem | undefined;
  try {
    await assertForgettable(parts, request);
    await run.step('snapshots', async (signal) => {
      for (const orphan of await leftovers()) {
        if (orphan.kind !== 'snapshot') continue;
        const effect = (await store.effects.listOpen({ kind: 'snapshot' })).find(
          ({ id }) => id === orphan.id,
        );
        const workload = effect && (await store.workloads.get(effect.workloadId));
        if (!effect || !workload) continue;
        await haveCredentials(parts, run, [await store.sources.require(effect.endpointId)], signal);
        const client = await sessions.vcenter(effect.endpointId);
        await removeSnapshotEffect(parts, client, effect, workload.instanceUuid, signal);
      }
      return null;
    });
    await run.step('volumes', async (signal) => {
      for (const target of await store.targets.list()) {
        if ((await store.volumes.list(target.id)).length > 0)
          await haveCredentials(parts, run, [target], signal);
      }
      await removeEndedRemains(parts, run, await leftovers(), signal);
      for (const orphan of await leftovers()) {
        if ((orphan.kind !== 'volume' && orphan.kind !== 'attachment') || orphan.endpointId === undefined)
          continue;
        const volumes = await sessions.volumes(orphan.endpointId);
        await volumes.removeOrphan(orphan, signal);
      }
      return null;
    });
    await run.step('forget', async () => {
      for (const orphan of await leftovers()) {
        if (orphan.kind === 'journal')
          await rm(join(journalFolder(config.stateDir), orphan.id), { force: true });
      }
      if (request.removeReplica && request.workloadId !== undefined) {
        await keepReports(parts, request.workloadId);
        await store.workloads.remove(request.workloadId);
        const at = new Date().toISOString();
        await parts.hub.publish({ kind: 'workload-removed', at, workloadId: request.workloadId });
      }
      return null;
    });
  } catch (error) {
    failure = run.cancelled ? cancelError().toProblem() : run.problemOf(error);
  }
  await finishJob(parts, run, request.removeReplica && !failure ? undefined : request.workloadId, failure);
}
