import { z } from 'zod';

/** Ids of profiles are UUIDs that the console gave; they also name the keychain items. */
export const ProfileId = z.uuid();
export type ProfileId = z.infer<typeof ProfileId>;

const common = {
  id: ProfileId,
  name: z.string().trim().min(1).max(200),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** True once a secret is kept in the keychain. */
  hasSecret: z.boolean(),
};

export const VcenterProfile = z.object({
  ...common,
  kind: z.literal('vcenter'),
  url: z.url({ protocol: /^https$/ }),
  username: z.string().min(1),
  /** Trusted leaf certificate, SHA-256 hex. */
  fingerprint: z.string().optional(),
});
export type VcenterProfile = z.infer<typeof VcenterProfile>;

export const CloudStackProfile = z.object({
  ...common,
  kind: z.literal('cloudstack'),
  url: z.url({ protocol: /^https?$/ }),
  /** Says which account; the keys themselves are secrets. */
  accountHint: z.string().optional(),
  fingerprint: z.string().optional(),
});
export type CloudStackProfile = z.infer<typeof CloudStackProfile>;

export const SshAuthentication = z.discriminatedUnion('method', [
  z.object({ method: z.literal('password') }),
  z.object({ method: z.literal('key-file'), path: z.string().min(1) }),
  z.object({ method: z.literal('agent') }),
]);
export type SshAuthentication = z.infer<typeof SshAuthentication>;

export const ApplianceProfile = z.object({
  ...common,
  kind: z.literal('appliance'),
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535).default(22),
  username: z.string().min(1),
  authentication: SshAuthentication,
  /** `user@host:port` of each hop, in order. */
  jumpHosts: z.array(z.string()).default([]),
  /** OpenSSH form `SHA256:…` of the pinned host key; undefined until it was trusted. */
  hostKey: z.string().optional(),
  /** The pinned keys of the jump hosts, by their entry in `jumpHosts`. */
  jumpHostKeys: z.record(z.string(), z.string()).default({}),
  socketPath: z.string().default('/run/ossea-agent/api.sock'),
});
export type ApplianceProfile = z.infer<typeof ApplianceProfile>;

export const Profile = z.discriminatedUnion('kind', [VcenterProfile, CloudStackProfile, ApplianceProfile]);
export type Profile = z.infer<typeof Profile>;
export const ProfileKind = z.enum(['vcenter', 'cloudstack', 'appliance']);
export type ProfileKind = z.infer<typeof ProfileKind>;

/** Secrets travel from the renderer once, when they are typed, and never back. */
export const ProfileSecrets = z.object({
  password: z.string().min(1).optional(),
  apiKey: z.string().min(1).optional(),
  secretKey: z.string().min(1).optional(),
  passphrase: z.string().min(1).optional(),
  agentToken: z.string().min(1).optional(),
});
export type ProfileSecrets = z.infer<typeof ProfileSecrets>;

const given = { id: true, createdAt: true, updatedAt: true, hasSecret: true } as const;
export const NewProfile = z.discriminatedUnion('kind', [
  VcenterProfile.omit(given),
  CloudStackProfile.omit(given),
  ApplianceProfile.omit({ ...given, hostKey: true, jumpHostKeys: true }),
]);
export type NewProfile = z.infer<typeof NewProfile>;

/** What would be affected by deleting a profile. */
export const ProfileUsage = z.object({
  appliances: z.array(z.object({ id: ProfileId, name: z.string(), leases: z.number().int() })),
  isDefault: z.boolean(),
});
export type ProfileUsage = z.infer<typeof ProfileUsage>;

export const KeychainStatus = z.object({
  state: z.enum(['available', 'locked', 'missing']),
  /** The store's name as people know it, such as `GNOME Keyring`. */
  store: z.string(),
  /** What is wrong and what to install. */
  detail: z.string().optional(),
});
export type KeychainStatus = z.infer<typeof KeychainStatus>;
