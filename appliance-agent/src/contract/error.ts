import { z } from 'zod';

/**
 * Every way in which the agent can fail, as `area.cause`. The value is the short title that people read.
 * Codes are part of the API: add, never rename.
 */
export const errorTitles = {
  'request.invalid': 'The request is not valid',
  'request.not-found': 'There is no such resource',
  'request.conflict': 'The resource is in another state than the request needs',
  'request.too-many': 'Too many requests',
  'request.too-large': 'The request is too large',
  'auth.missing': 'No access token was sent',
  'auth.invalid': 'The access token is not valid',
  'auth.expired': 'The access token has expired',
  'auth.forbidden': 'The access token does not allow this',
  'agent.internal': 'The agent failed unexpectedly',
  'agent.starting': 'The agent is still starting',
  'agent.shutting-down': 'The agent is shutting down',
  'agent.already-running': 'Another agent is running',
  'agent.disk-full': 'The disk of the appliance is full',
  'agent.unreachable': 'The agent cannot be reached',
  'config.invalid': 'The configuration is not valid',
  'config.incomplete': 'The configuration is incomplete',
  'keychain.missing': 'There is no keychain',
  'keychain.locked': 'The keychain is locked',
  'tunnel.unreachable': 'The appliance cannot be reached by SSH',
  'tunnel.authentication': 'The appliance refused the SSH login',
  'tunnel.host-key-unknown': 'The SSH host key is not trusted yet',
  'tunnel.host-key-changed': 'The SSH host key is not the trusted one',
  'tunnel.closed': 'The SSH connection has ended',
  'deploy.failed': 'The agent could not be installed',
  'database.unavailable': 'The database cannot be reached',
  'lease.missing': 'No credentials are leased for this endpoint',
  'vsphere.unreachable': 'vCenter cannot be reached',
  'vsphere.certificate-changed': 'The certificate of vCenter is not the trusted one',
  'vsphere.certificate-untrusted': 'The certificate of vCenter is not trusted yet',
  'vsphere.invalid-login': 'vCenter refused the user name or password',
  'vsphere.not-authenticated': 'The vCenter session has ended',
  'vsphere.no-permission': 'The vCenter account lacks a privilege',
  'vsphere.restricted-version': 'The licence of this ESXi host forbids the operation',
  'vsphere.not-found': 'vCenter does not know this object',
  'vsphere.invalid-argument': 'vCenter refused an argument',
  'vsphere.file-fault': 'vCenter could not read a file of the VM',
  'vsphere.task-failed': 'A vCenter task failed',
  'vsphere.quiesce-failed': 'The guest could not be made quiet for a snapshot',
  'vsphere.timeout': 'vCenter did not answer in time',
  'vsphere.fault': 'vCenter reported a fault',
  'vsphere.protocol': 'vCenter answered something that is not vSphere',
  'vsphere.changed-blocks': 'vCenter gave an impossible answer about changed blocks',
  'cloudstack.unreachable': 'CloudStack cannot be reached',
  'cloudstack.certificate-changed': 'The certificate of CloudStack is not the trusted one',
  'cloudstack.unauthorized': 'CloudStack refused the API key',
  'cloudstack.throttled': 'CloudStack asks for fewer requests',
  'cloudstack.malformed': 'CloudStack refused the form of a request',
  'cloudstack.parameter': 'CloudStack refused a parameter',
  'cloudstack.unsupported': 'This CloudStack does not support the operation',
  'cloudstack.internal': 'CloudStack failed internally',
  'cloudstack.account': 'CloudStack reported a problem with the account',
  'cloudstack.resource-limit': 'A resource limit of the CloudStack account is reached',
  'cloudstack.capacity': 'CloudStack has not enough capacity',
  'cloudstack.unavailable': 'A resource of CloudStack is unavailable',
  'cloudstack.in-use': 'A resource of CloudStack is in use',
  'cloudstack.conflict': 'CloudStack reported a rule conflict',
  'cloudstack.job-failed': 'A CloudStack job failed',
  'cloudstack.outcome-unknown': 'It is not known whether a CloudStack operation took effect',
  'cloudstack.timeout': 'CloudStack did not finish in time',
  'cloudstack.protocol': 'CloudStack answered something unexpected',
  'cloudstack.appliance-unknown': 'The VM of this appliance was not found in CloudStack',
  'volume.too-small': 'The volume is smaller than the disk',
  'volume.device-missing': 'The device of an attached volume did not appear',
  'volume.device-mismatch': 'The device is not the volume that it should be',
  'volume.device-busy': 'The device is still in use',
  'volume.no-slot': 'No attach slot is free on this appliance',
  'volume.foreign': 'The volume belongs to someone else',
  'nbd.refused': 'The NBD server refused the connection',
  'nbd.protocol': 'The NBD server broke the protocol',
  'nbd.disconnected': 'The NBD server closed the connection',
  'nbd.timeout': 'The NBD server did not answer in time',
  'nbd.io': 'The NBD server reported an I/O error',
  'source.io': 'The source disk cannot be read',
  'source.stalled': 'The source disk gave no data',
  'source.corrupt': 'What came of the source disk is damaged',
  'source.size-changed': 'The source disk has another size than expected',
  'source.unavailable': 'The source disk cannot be opened',
  'source.no-transport': 'No transport can read this disk',
  'vddk.missing': 'The VDDK library is missing',
  'vddk.thumbprint': 'VDDK found another certificate than expected',
  'vddk.host-lookup': 'The name of an ESXi host cannot be resolved',
  'vddk.connect': 'VDDK cannot connect to the ESXi host',
  'vddk.memory': 'The ESXi host has no memory left for NFC',
  'vddk.open': 'VDDK cannot open the disk',
  'vddk.login': 'VDDK could not log in',
  'vddk.library': 'The VDDK library cannot be loaded',
  'vddk.failed': 'VDDK failed',
  'target.io': 'The target volume cannot be written',
  'target.full': 'The target has no space left',
  'copy.cancelled': 'The copy was cancelled',
  'copy.journal': 'The copy journal does not fit this disk',
  'verify.mismatch': 'Source and target differ',
  'guest.tool-missing': 'A tool that prepares guests is missing',
  'guest.tool-broken': 'libguestfs cannot start',
  'guest.no-root': 'No operating system was found on the disks',
  'guest.multi-boot': 'Several operating systems were found on the disks',
  'guest.unsupported': 'This guest cannot be converted',
  'guest.unclean': 'A file system of the guest was not closed cleanly',
  'guest.hibernated': 'Windows is hibernated',
  'guest.encrypted': 'A disk of the guest is encrypted',
  'guest.dynamic-disk': 'Windows runs from a dynamic disk',
  'guest.no-space': 'A file system of the guest has too little free space',
  'guest.no-drivers': 'The virtio drivers for this guest are missing',
  'guest.boot-loader': 'The boot loader of the guest cannot be prepared',
  'guest.initramfs': 'The initial RAM disk of the guest cannot be made',
  'guest.network': 'The static addresses cannot be written into the guest',
  'guest.timeout': 'The guest was not prepared in time',
  'guest.cancelled': 'The preparation of the guest was cancelled',
  'guest.failed': 'The guest could not be prepared',
  'failover.not-ready': 'The failover is not ready',
  'failover.network': 'The network does not suit the failover',
  'failover.mac-in-use': 'The MAC address is in use on the target',
  'failover.shutdown': 'The guest did not shut down',
  'failover.source-running': 'The source VM is not powered off',
  'failover.source-changed': 'The source VM ran again in between',
  'failover.vm': 'The VM could not be made on the target',
  'failover.boot': 'The VM did not show that it came up',
  'failover.confirmation': 'The confirmation is missing',
  'failover.undecided': 'The failover waits to be committed or rolled back',
  'failover.expired': 'The window of the failover has passed',
  'report.invalid': 'The report is not as the agent signed it',
  'preflight.critical': 'The workload is not ready',
  'job.cancelled': 'The job was cancelled',
  'job.running': 'Another job of this workload is running',
} as const;

export type ErrorCode = keyof typeof errorTitles;
export const ErrorCode = z.enum(Object.keys(errorTitles) as [ErrorCode, ...ErrorCode[]]);

/** An error as it crosses a boundary: RFC 9457 problem details with our members. */
export const Problem = z.object({
  /** Stable and machine-readable. */
  code: ErrorCode,
  /** Short, the same for every occurrence of the code. */
  title: z.string(),
  /** What happened this time, in one sentence, naming objects and values; never a secret. */
  detail: z.string(),
  /** What a person can do about it. */
  remedy: z.string().optional(),
  /** For bad input: the field's path, such as `target.networkId`. */
  field: z.string().optional(),
  /** For bad input: the value given, as text, if it is not a secret. */
  value: z.string().optional(),
  /** True when the same request may succeed later without a change. */
  retryable: z.boolean(),
  /** HTTP status where it travelled over HTTP. */
  status: z.number().int().optional(),
});
export type Problem = z.infer<typeof Problem>;

export interface OsseaErrorOptions {
  remedy?: string | undefined;
  field?: string | undefined;
  value?: string | undefined;
  /** Default false. */
  retryable?: boolean | undefined;
  cause?: unknown;
}

/** The one error class that crosses layers. `message` is a sentence for people and holds no secret. */
export class OsseaError extends Error {
  override readonly name = 'OsseaError';
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly field: string | undefined;
  readonly value: string | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: OsseaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.field = options.field;
    this.value = options.value;
    this.retryable = options.retryable ?? false;
  }

  /** The form in which the error leaves the process. */
  toProblem(): Problem {
    return {
      code: this.code,
      title: errorTitles[this.code],
      detail: this.message,
      retryable: this.retryable,
      ...(this.remedy !== undefined && { remedy: this.remedy }),
      ...(this.field !== undefined && { field: this.field }),
      ...(this.value !== undefined && { value: this.value }),
    };
  }

  /** Rebuilds the error from what crossed a boundary. */
  static fromProblem(problem: Problem): OsseaError {
    return new OsseaError(problem.code, problem.detail, problem);
  }
}

/** True for an `OsseaError`, with one of the codes if any are given. */
export function isOsseaError(error: unknown, ...codes: ErrorCode[]): error is OsseaError {
  return error instanceof OsseaError && (codes.length === 0 || codes.includes(error.code));
}

/** Any thrown value as a problem; what is not ours becomes `agent.internal`. */
export function toProblem(error: unknown): Problem {
  if (error instanceof OsseaError) return error.toProblem();
  return {
    code: 'agent.internal',
    title: errorTitles['agent.internal'],
    detail: error instanceof Error ? error.message : String(error),
    retryable: false,
  };
}
