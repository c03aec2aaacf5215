import { z } from 'zod';
import { AgentId, CloudId, Fingerprint, Timestamp } from './ids.ts';

/** What a lease of credentials is worth now. */
export const LeaseState = z.object({
  /** `none`: jobs that need it wait; `memory`: gone when the agent ends; `sealed`: survives a restart. */
  kind: z.enum(['none', 'memory', 'sealed']),
  expiresAt: Timestamp.optional(),
  /** Which secret it is, without telling it: the first 8 hex digits of its SHA-256 with a salt of the agent's. */
  digest: z.string().optional(),
});
export type LeaseState = z.infer<typeof LeaseState>;

/** A vCenter or ESXi host that workloads come from. */
export const SourceEndpoint = z.object({
  id: AgentId,
  name: z.string(),
  /** `https://host[:port]/sdk`. */
  url: z.url(),
  /** The trusted leaf certificate. */
  fingerprint: Fingerprint,
  /** `about.instanceUuid`, known after the first login. */
  instanceUuid: z.string().optional(),
  lease: LeaseState,
  createdAt: Timestamp,
});
export type SourceEndpoint = z.infer<typeof SourceEndpoint>;

/** A CloudStack that workloads go to. */
export const TargetEndpoint = z.object({
  id: AgentId,
  name: z.string(),
  /** The API's address, such as `https://cloud.example/client/api`. */
  url: z.url(),
  /** The trusted leaf certificate where it is pinned; else the system's authorities decide. */
  fingerprint: Fingerprint.optional(),
  /** Chosen defaults; a workload cannot be replicated before they are complete. */
  config: z
    .object({
      zoneId: CloudId,
      serviceOfferingId: CloudId,
      diskOfferingId: CloudId,
      networkId: CloudId,
      templateId: CloudId,
    })
    .partial(),
  /** The VM on which the agent runs, once known. */
  applianceVmId: CloudId.optional(),
  lease: LeaseState,
  createdAt: Timestamp,
});
export type TargetEndpoint = z.infer<typeof TargetEndpoint>;

export const CreateSource = z.object({
  name: z.string().min(1).max(200),
  url: z.url({ protocol: /^https$/ }),
  /** Without it the answer is `vsphere.certificate-untrusted` with the fingerprint to confirm. */
  fingerprint: Fingerprint.optional(),
});
export type CreateSource = z.infer<typeof CreateSource>;

export const UpdateSource = CreateSource.partial();
export type UpdateSource = z.infer<typeof UpdateSource>;

export const CreateTarget = z.object({
  name: z.string().min(1).max(200),
  url: z.url({ protocol: /^https?$/ }),
  fingerprint: Fingerprint.optional(),
  config: TargetEndpoint.shape.config.default({}),
  applianceVmId: CloudId.optional(),
});
export type CreateTarget = z.infer<typeof CreateTarget>;

/** What is not named stays, `null` takes a choice back. Zod would fill a default of `config` into `CreateTarget.partial()`. */
export const UpdateTarget = CreateTarget.extend({
  /** `null`: the system's authorities decide. */
  fingerprint: Fingerprint.nullable(),
  config: z
    .object({
      zoneId: CloudId.nullable(),
      serviceOfferingId: CloudId.nullable(),
      diskOfferingId: CloudId.nullable(),
      networkId: CloudId.nullable(),
      templateId: CloudId.nullable(),
    })
    .partial(),
  /** `null`: it is looked for again. */
  applianceVmId: CloudId.nullable(),
}).partial();
export type UpdateTarget = z.infer<typeof UpdateTarget>;

/** Credentials on loan. The agent keeps them in memory, or sealed (AES-256-GCM) when asked. */
export const PutLease = z.object({
  credentials: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('vsphere'), username: z.string().min(1), password: z.string().min(1) }),
    z.object({ kind: z.literal('cloudstack'), apiKey: z.string().min(1), secretKey: z.string().min(1) }),
  ]),
  /** Default: until it is revoked or the agent ends. */
  ttlSeconds: z
    .number()
    .int()
    .positive()
    .max(366 * 86_400)
    .optional(),
  sealed: z.boolean().default(false),
});
export type PutLease = z.infer<typeof PutLease>;
export type Credentials = PutLease['credentials'];
export type VsphereCredentials = Extract<Credentials, { kind: 'vsphere' }>;
export type CloudStackCredentials = Extract<Credentials, { kind: 'cloudstack' }>;

/** A certificate as a server showed it, for the question "do you trust it?". */
export const Certificate = z.object({
  fingerprint: Fingerprint,
  /** SHA-1 as `AA:BB:…`, the form that VDDK wants. */
  thumbprint: z.string(),
  subject: z.string(),
  issuer: z.string(),
  validFrom: z.string(),
  validTo: z.string(),
});
export type Certificate = z.infer<typeof Certificate>;

/** One privilege that the account lacks, and where. */
export const MissingPrivilege = z.object({
  privilege: z.string(),
  object: z.string(),
  objectName: z.string(),
  neededFor: z.string(),
});
export type MissingPrivilege = z.infer<typeof MissingPrivilege>;

/** Outcome of *test the connection*. */
export const ConnectionTest = z.object({
  ok: z.boolean(),
  product: z.string().optional(),
  latencyMs: z.number(),
  /** Server clock minus the agent's, seconds. */
  clockSkewSeconds: z.number().optional(),
  missingPrivileges: z.array(MissingPrivilege),
});
export type ConnectionTest = z.infer<typeof ConnectionTest>;
