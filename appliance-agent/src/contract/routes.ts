import { z } from 'zod';
import { CloudDiscovery } from './cloud.ts';
import {
  Certificate,
  ConnectionTest,
  CreateSource,
  CreateTarget,
  LeaseState,
  PutLease,
  SourceEndpoint,
  TargetEndpoint,
  UpdateSource,
  UpdateTarget,
} from './endpoint.ts';
import { AgentId } from './ids.ts';
import { Job, JobKind, JobState, Orphan, StartCleanup, StartReplicate, StartVerify } from './job.ts';
import {
  AuditEntry,
  CreatedToken,
  CreateToken,
  DoctorReport,
  Health,
  Limits,
  type Role,
  Session,
  Token,
} from './system.ts';
import { Inventory } from './vm.ts';
import { ManagedVolume } from './volume.ts';
import { AddWorkloads, AddWorkloadsResult, Readiness, Workload, WorkloadChanges } from './workload.ts';

/** One operation of the API, as the server registers it, the OpenAPI document tells it and a client calls it. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `:name` for parameters. */
  path: string;
  summary: string;
  /** The least role; `none` needs no token. */
  role: z.infer<typeof Role> | 'none';
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  reply: z.ZodType;
  /** Of success; default 200. 202: accepted, and only the job tells how it ends. */
  status?: 200 | 201 | 202;
}

const byId = z.object({ id: AgentId });
const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });
const nothing = z.null();

/** Every operation but the event stream (`GET /v1/events`, server-sent `AgentEvent`s) and `/metrics`. */
export const routes = {
  health: { method: 'GET', path: '/health', summary: 'Is the agent well?', role: 'none', reply: Health },
  session: {
    method: 'GET',
    path: '/v1/session',
    summary: 'Who is asking, and what they may do',
    role: 'viewer',
    reply: Session,
  },
  doctor: {
    method: 'GET',
    path: '/v1/doctor',
    summary: 'Checks the appliance',
    role: 'viewer',
    reply: DoctorReport,
  },
  getLimits: {
    method: 'GET',
    path: '/v1/limits',
    summary: 'Limits over all jobs',
    role: 'viewer',
    reply: Limits,
  },
  putLimits: {
    method: 'PUT',
    path: '/v1/limits',
    summary: 'Changes the limits; running copies follow at once',
    role: 'operator',
    body: Limits,
    reply: Limits,
  },

  listTokens: { method: 'GET', path: '/v1/tokens', summary: 'Tokens', role: 'admin', reply: list(Token) },
  createToken: {
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Creates a token and tells it once',
    role: 'admin',
    body: CreateToken,
    reply: CreatedToken,
    status: 201,
  },
  revokeToken: {
    method: 'DELETE',
    path: '/v1/tokens/:id',
    summary: 'Revokes a token',
    role: 'admin',
    params: byId,
    reply: nothing,
  },
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    summary: 'Who did what, newest first',
    role: 'viewer',
    query: z.object({
      before: z.coerce.number().int().optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(200),
    }),
    reply: list(AuditEntry),
  },

  probeCertificate: {
    method: 'POST',
    path: '/v1/certificates/probe',
    summary: 'The certificate that a server shows now',
    role: 'operator',
    body: z.object({ url: z.url({ protocol: /^https$/ }) }),
    reply: Certificate,
  },
  listSources: {
    method: 'GET',
    path: '/v1/sources',
    summary: 'vCenters',
    role: 'viewer',
    reply: list(SourceEndpoint),
  },
  createSource: {
    method: 'POST',
    path: '/v1/sources',
    summary: 'Adds a vCenter',
    role: 'operator',
    body: CreateSource,
    reply: SourceEndpoint,
    status: 201,
  },
  updateSource: {
    method: 'PATCH',
    path: '/v1/sources/:id',
    summary: 'Changes a vCenter',
    role: 'operator',
    params: byId,
    body: UpdateSource,
    reply: SourceEndpoint,
  },
  deleteSource: {
    method: 'DELETE',
    path: '/v1/sources/:id',
    summary: 'Forgets a vCenter that no workload uses',
    role: 'operator',
    params: byId,
    reply: nothing,
  },
  leaseSource: {
    method: 'PUT',
    path: '/v1/sources/:id/lease',
    summary: 'Lends credentials',
    role: 'operator',
    params: byId,
    body: PutLease,
    reply: LeaseState,
  },
  revokeSourceLease: {
    method: 'DELETE',
    path: '/v1/sources/:id/lease',
    summary: 'Takes lent credentials back',
    role: 'operator',
    params: byId,
    reply: nothing,
  },
  testSource: {
    method: 'POST',
    path: '/v1/sources/:id/test',
    summary: 'Logs in and checks privileges',
    role: 'operator',
    params: byId,
    reply: ConnectionTest,
  },
  inventory: {
    method: 'GET',
    path: '/v1/sources/:id/inventory',
    summary: 'All that vCenter holds',
    role: 'viewer',
    params: byId,
    reply: Inventory,
  },

  listTargets: {
    method: 'GET',
    path: '/v1/targets',
    summary: 'Clouds',
    role: 'viewer',
    reply: list(TargetEndpoint),
  },
  createTarget: {
    method: 'POST',
    path: '/v1/targets',
    summary: 'Adds a cloud',
    role: 'operator',
    body: CreateTarget,
    reply: TargetEndpoint,
    status: 201,
  },
  updateTarget: {
    method: 'PATCH',
    path: '/v1/targets/:id',
    summary: 'Changes a cloud; a complete configuration is validated against it',
    role: 'operator',
    params: byId,
    body: UpdateTarget,
    reply: TargetEndpoint,
  },
  deleteTarget: {
    method: 'DELETE',
    path: '/v1/targets/:id',
    summary: 'Forgets a cloud that no workload uses',
    role: 'operator',
    params: byId,
    reply: nothing,
  },
  leaseTarget: {
    method: 'PUT',
    path: '/v1/targets/:id/lease',
    summary: 'Lends credentials',
    role: 'operator',
    params: byId,
    body: PutLease,
    reply: LeaseState,
  },
  revokeTargetLease: {
    method: 'DELETE',
    path: '/v1/targets/:id/lease',
    summary: 'Takes lent credentials back',
    role: 'operator',
    params: byId,
    reply: nothing,
  },
  testTarget: {
    method: 'POST',
    path: '/v1/targets/:id/test',
    summary: 'Calls the API once',
    role: 'operator',
    params: byId,
    reply: ConnectionTest,
  },
  discoverTarget: {
    method: 'GET',
    path: '/v1/targets/:id/discovery',
    summary: 'Zones, offerings, networks, templates, limits, the appliance itself',
    role: 'viewer',
    params: byId,
    reply: CloudDiscovery,
  },
  listVolumes: {
    method: 'GET',
    path: '/v1/volumes',
    summary: 'Volumes of the agent',
    role: 'viewer',
    reply: list(ManagedVolume),
  },

  listWorkloads: {
    method: 'GET',
    path: '/v1/workloads',
    summary: 'Workloads',
    role: 'viewer',
    reply: list(Workload),
  },
  getWorkload: {
    method: 'GET',
    path: '/v1/workloads/:id',
    summary: 'A workload',
    role: 'viewer',
    params: byId,
    reply: Workload,
  },
  addWorkloads: {
    method: 'POST',
    path: '/v1/workloads',
    summary: 'Takes VMs under management',
    role: 'operator',
    body: AddWorkloads,
    reply: AddWorkloadsResult,
  },
  updateWorkload: {
    method: 'PATCH',
    path: '/v1/workloads/:id',
    summary: 'Changes settings; a bandwidth limit takes effect at once',
    role: 'operator',
    params: byId,
    body: WorkloadChanges,
    reply: Workload,
  },
  readiness: {
    method: 'GET',
    path: '/v1/workloads/:id/readiness',
    summary: 'Preflight concerns',
    role: 'viewer',
    params: byId,
    reply: Readiness,
  },
  startReplicate: {
    method: 'POST',
    path: '/v1/workloads/:id/replicate',
    summary: 'Starts a replication',
    role: 'operator',
    params: byId,
    body: StartReplicate,
    reply: Job,
    status: 202,
  },
  startVerify: {
    method: 'POST',
    path: '/v1/workloads/:id/verify',
    summary: 'Compares the replica with its evidence or its source',
    role: 'operator',
    params: byId,
    body: StartVerify,
    reply: Job,
    status: 202,
  },

  listJobs: {
    method: 'GET',
    path: '/v1/jobs',
    summary: 'Jobs, newest first',
    role: 'viewer',
    query: z.object({
      workloadId: AgentId.optional(),
      state: JobState.optional(),
      kind: JobKind.optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
    reply: list(Job),
  },
  getJob: { method: 'GET', path: '/v1/jobs/:id', summary: 'A job', role: 'viewer', params: byId, reply: Job },
  cancelJob: {
    method: 'POST',
    path: '/v1/jobs/:id/cancel',
    summary: 'Cancels a job',
    role: 'operator',
    params: byId,
    reply: Job,
  },
  pauseJob: {
    method: 'POST',
    path: '/v1/jobs/:id/pause',
    summary: 'Stops copying for now; the snapshot stays',
    role: 'operator',
    params: byId,
    reply: Job,
  },
  resumeJob: {
    method: 'POST',
    path: '/v1/jobs/:id/resume',
    summary: 'Goes on with a paused job',
    role: 'operator',
    params: byId,
    reply: Job,
  },
  listOrphans: {
    method: 'GET',
    path: '/v1/orphans',
    summary: 'What is left over outside',
    role: 'viewer',
    reply: list(Orphan),
  },
  startCleanup: {
    method: 'POST',
    path: '/v1/cleanup',
    summary: 'Removes what is left over; with `dryRun` nothing is changed',
    role: 'operator',
    body: StartCleanup,
    reply: z.object({ plan: z.array(Orphan), job: Job.optional() }),
    status: 202,
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
