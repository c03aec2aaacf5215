import { OsseaError, type WorkloadChanges, type WorkloadSettings } from '../contract/index.ts';
import type { ApiServices, HandlersOf } from './services.ts';

type WorkloadRoute =
  | 'listWorkloads'
  | 'getWorkload'
  | 'addWorkloads'
  | 'updateWorkload'
  | 'readiness'
  | 'replication'
  | 'startReplicate'
  | 'startVerify'
  | 'listJobs'
  | 'getJob'
  | 'cancelJob'
  | 'pauseJob'
  | 'resumeJob'
  | 'listOrphans'
  | 'startCleanup';

/** The resource, or `request.not-found`. */
function found<T>(resource: T | undefined, kind: string, id: string): T {
  if (resource !== undefined) return resource;
  throw new OsseaError('request.not-found', `There is no ${kind} with the id ${id}.`, {
    field: 'id',
    value: id,
    remedy: `List them with: ossea-agent ${kind === 'job' ? 'jobs' : 'workload list'}`,
  });
}

/** In the engine's form, which takes a choice back by `undefined`. */
function settingsChanges({
  targetName,
  serviceOfferingId,
  nics,
  disks,
  bandwidthLimit,
  transport,
  quiesce,
  verify,
  schedule,
  rpoGoalSeconds,
  conversion,
}: WorkloadChanges): Partial<WorkloadSettings> {
  return {
    ...(targetName !== undefined && { targetName: targetName ?? undefined }),
    ...(serviceOfferingId !== undefined && { serviceOfferingId: serviceOfferingId ?? undefined }),
    ...(nics && { nics }),
    ...(disks && { disks }),
    ...(bandwidthLimit !== undefined && { bandwidthLimit: bandwidthLimit ?? undefined }),
    ...(transport !== undefined && { transport: transport ?? undefined }),
    ...(quiesce && { quiesce }),
    ...(verify && { verify }),
    ...(schedule && { schedule }),
    ...(rpoGoalSeconds !== undefined && { rpoGoalSeconds: rpoGoalSeconds ?? undefined }),
    ...(conversion && { conversion }),
  };
}

/** Operations about workloads and their jobs. */
export function workloadHandlers({ engine, read }: ApiServices): HandlersOf<WorkloadRoute> {
  return {
    listWorkloads: async () => ({ items: await read.listWorkloads() }),
    getWorkload: async ({ params }) => found(await read.getWorkload(params.id), 'workload', params.id),
    addWorkloads: async ({ body, caller, note }) => {
      const added = await engine.addWorkloads(body, caller.actor);
      note(
        added.results.map(({ vm, outcome, workload }) => `${workload?.name ?? vm}: ${outcome}`).join(', '),
      );
      return added;
    },
    updateWorkload: ({ params, body, caller, note }) => {
      note(JSON.stringify(body));
      return engine.updateWorkload(params.id, settingsChanges(body), caller.actor);
    },
    readiness: ({ params }) => engine.readiness(params.id),
    replication: ({ params }) => engine.replication(params.id),
    startReplicate: async ({ params, body, caller, note }) => {
      const job = await engine.startReplicate(params.id, body, caller.actor);
      note(`job ${job.id}, ${JSON.stringify(body)}`);
      return job;
    },
    startVerify: async ({ params, body, caller, note }) => {
      const job = await engine.startVerify(params.id, body, caller.actor);
      note(`job ${job.id}, ${JSON.stringify(body)}`);
      return job;
    },
    listJobs: async ({ query }) => ({
      items: await read.listJobs({
        workloadId: query.workloadId,
        state: query.state,
        kind: query.kind,
        limit: query.limit,
      }),
    }),
    getJob: async ({ params }) => found(await read.getJob(params.id), 'job', params.id),
    cancelJob: ({ params, caller }) => engine.cancelJob(params.id, caller.actor),
    pauseJob: ({ params, caller }) => engine.pauseJob(params.id, true, caller.actor),
    resumeJob: ({ params, caller }) => engine.pauseJob(params.id, false, caller.actor),
    listOrphans: async () => ({ items: await engine.listOrphans() }),
    startCleanup: ({ body, caller, note }) => {
      note(JSON.stringify(body));
      return engine.startCleanup(body, caller.actor);
    },
  };
}
