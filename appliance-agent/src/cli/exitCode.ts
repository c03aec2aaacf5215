import { type ErrorCode, type Job, OsseaError } from '../contract/index.ts';

/** What the process ends with, for scripts. */
export const exitCodes = {
  ok: 0,
  /** A job failed, source and target differ, or a check of the doctor failed. */
  failed: 1,
  /** The command line, a configuration or a request is not valid. */
  usage: 2,
  agentUnreachable: 3,
  /** A token, password or key was refused, or does not allow this. */
  refused: 4,
  notFound: 5,
  /** Another state is needed first: a job runs, credentials are missing, a certificate must be confirmed. */
  needsPerson: 6,
  /** vCenter, an ESXi host or CloudStack does not answer, or failed. */
  upstream: 7,
  interrupted: 130,
} as const;

/** For `--help`. */
export const exitCodeHelp = `
Exit codes:
  0    done
  1    a job failed, source and target differ, or a check failed
  2    the command line, the configuration or the request is not valid
  3    the agent cannot be reached
  4    a token, password or key was refused, or does not allow this
  5    there is no such thing
  6    a person is needed first: a job runs or waits, credentials are missing, a certificate must be confirmed
  7    vCenter, an ESXi host or CloudStack does not answer, or failed
  130  interrupted`;

const codes: Partial<Record<ErrorCode, number>> = {
  'request.invalid': exitCodes.usage,
  'request.too-large': exitCodes.usage,
  'request.not-found': exitCodes.notFound,
  'request.conflict': exitCodes.needsPerson,
  'agent.unreachable': exitCodes.agentUnreachable,
  'agent.starting': exitCodes.agentUnreachable,
  'agent.shutting-down': exitCodes.agentUnreachable,
  'agent.already-running': exitCodes.needsPerson,
  'config.invalid': exitCodes.usage,
  'config.incomplete': exitCodes.needsPerson,
  'lease.missing': exitCodes.needsPerson,
  'job.running': exitCodes.needsPerson,
  'failover.not-ready': exitCodes.needsPerson,
  'failover.network': exitCodes.needsPerson,
  'failover.mac-in-use': exitCodes.needsPerson,
  'failover.confirmation': exitCodes.usage,
  'preflight.critical': exitCodes.needsPerson,
  'vsphere.invalid-login': exitCodes.refused,
  'vsphere.no-permission': exitCodes.refused,
  'vsphere.certificate-changed': exitCodes.needsPerson,
  'vsphere.certificate-untrusted': exitCodes.needsPerson,
  'vsphere.not-found': exitCodes.notFound,
  'cloudstack.unauthorized': exitCodes.refused,
  'cloudstack.certificate-changed': exitCodes.needsPerson,
};

/** The exit code for an error. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof OsseaError)) return exitCodes.failed;
  const known = codes[error.code];
  if (known !== undefined) return known;
  if (error.code.startsWith('auth.')) return exitCodes.refused;
  if (error.code.startsWith('vsphere.') || error.code.startsWith('cloudstack.')) return exitCodes.upstream;
  return exitCodes.failed;
}

/** The exit code for how a job stands when a command stops looking at it. */
export function exitCodeOfJob(job: Job): number {
  if (job.state === 'succeeded') return exitCodes.ok;
  if (job.state === 'waiting') return exitCodes.needsPerson;
  if (job.state === 'cancelled') return exitCodes.failed;
  return job.problem
    ? Math.max(exitCodes.failed, exitCodeOf(OsseaError.fromProblem(job.problem)))
    : exitCodes.failed;
}
