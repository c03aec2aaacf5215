import {
  type AuditEntry,
  isRouteName,
  type Job,
  type RouteName,
  routes,
  type SourceEndpoint,
  type TargetEndpoint,
  type Workload,
} from '../../../appliance-agent/src/contract/index.ts';
import { titleOf } from '../../components/job/jobWords.ts';

export const outcomeWords: Record<AuditEntry['outcome'], string> = {
  ok: 'Done',
  failed: 'Failed',
  denied: 'Refused',
};

/** The acts as the console's buttons name them. */
const acts: { readonly [R in RouteName]?: string } = {
  putLimits: 'Change limits',
  createToken: 'Create access token',
  revokeToken: 'Revoke access token',
  probeCertificate: 'Read certificate',
  createSource: 'Add vCenter',
  updateSource: 'Change vCenter',
  deleteSource: 'Remove vCenter',
  leaseSource: 'Lend credentials',
  revokeSourceLease: 'Take credentials back',
  testSource: 'Test vCenter',
  createTarget: 'Add cloud',
  updateTarget: 'Change cloud',
  deleteTarget: 'Remove cloud',
  leaseTarget: 'Lend credentials',
  revokeTargetLease: 'Take credentials back',
  testTarget: 'Test cloud',
  addWorkloads: 'Add to management',
  updateWorkload: 'Change workload',
  startReplicate: 'Replicate',
  startVerify: 'Verify',
  cancelJob: 'Cancel job',
  pauseJob: 'Pause job',
  resumeJob: 'Resume job',
  startCleanup: 'Clean up',
  planFailover: 'Plan a failover',
  startTestFailover: 'Start a test failover',
  startLiveFailover: 'Cut over',
  commitFailover: 'Commit',
  rollBackFailover: 'Roll back',
  cleanUpFailover: 'Clean up a failover',
  cancelFailover: 'Cancel a failover',
  answerFailover: 'Answer a failover',
  retryFailover: 'Go on with a failover',
  extendCommit: 'Give more time before the commit',
  markTested: 'Mark as tested',
};

/** Acts that reports name by other words than a route's name. */
const reported: ReadonlyMap<string, string> = new Map([
  ['start test failover', 'Start a test failover'],
  ['start live failover', 'Cut over'],
]);

/** What was done, or tried; an action of a newer agent keeps its name. */
export function actOf({ action }: Pick<AuditEntry, 'action'>): string {
  return isRouteName(action)
    ? (acts[action] ?? `Read: ${routes[action].summary}`)
    : (reported.get(action) ?? action);
}

export interface Subject {
  readonly name: string;
  /** Where the console shows it, while it exists. */
  readonly path?: string;
}

/** What the appliance knows by an id now. */
export function knownSubjects(known: {
  readonly workloads: readonly Pick<Workload, 'id' | 'name'>[];
  readonly jobs: readonly Job[];
  readonly sources: readonly Pick<SourceEndpoint, 'id' | 'name'>[];
  readonly targets: readonly Pick<TargetEndpoint, 'id' | 'name'>[];
}): ReadonlyMap<string, Subject> {
  return new Map<string, Subject>([
    ...known.sources.map(({ id, name }) => [id, { name }] as const),
    ...known.targets.map(({ id, name }) => [id, { name }] as const),
    ...known.jobs.map((job) => [job.id, { name: titleOf(job), path: `/jobs/${job.id}` }] as const),
    ...known.workloads.map(({ id, name }) => [id, { name, path: `/workloads/${id}` }] as const),
  ]);
}

const collections: Readonly<Record<string, string>> = {
  audit: 'Activity',
  certificates: 'Certificate',
  cleanup: 'The appliance',
  failovers: 'Failovers',
  jobs: 'Jobs',
  limits: 'The appliance',
  sources: 'vCenters',
  targets: 'Clouds',
  tokens: 'Access tokens',
  workloads: 'Workloads',
};

/** To what it was done: the agent notes an id, or the address of the request where there was none. */
export function subjectOf(
  { subject }: Pick<AuditEntry, 'subject'>,
  known: ReadonlyMap<string, Subject>,
): Subject {
  if (!subject.startsWith('/')) return known.get(subject) ?? { name: subject };
  const [, , collection = '', id = ''] = subject.split('/');
  return known.get(id) ?? { name: id || (collections[collection] ?? subject) };
}
