import { z } from 'zod';
import { ConnectionTest, Problem, SignedReport } from '../../appliance-agent/src/contract/index.ts';
import { AgentCall, AgentReply, ApplianceEvent, ApplianceStatus, DeployProgress } from './appliance.ts';
import {
  KeychainStatus,
  NewProfile,
  Profile,
  ProfileId,
  ProfileKind,
  ProfileSecrets,
  ProfileUsage,
} from './profiles.ts';

export * from './appliance.ts';
export * from './profiles.ts';

const byId = z.object({ id: ProfileId });
const nothing = z.undefined();
const done = z.void();

export const Settings = z.object({
  theme: z.enum(['system', 'light', 'dark']),
  /** Notifications of the desktop. */
  notifyFinished: z.boolean(),
  notifyAttention: z.boolean(),
  /** Keeps the computer awake while something is copied; off unless the user asks. */
  keepAwake: z.boolean(),
  closeToTray: z.boolean(),
  checkForUpdates: z.boolean(),
  firstRunDone: z.boolean(),
  /** Steps of the first run that were skipped; the console reminds of them. */
  skippedSteps: z.array(z.string()),
  /** Layouts of tables and the like, by their name. */
  views: z.record(z.string(), z.unknown()),
});
export type Settings = z.infer<typeof Settings>;

export const SettingsChange = Settings.partial();
export type SettingsChange = z.infer<typeof SettingsChange>;

export const AppInfo = z.object({
  version: z.string(),
  electron: z.string(),
  platform: z.string(),
  dataFolder: z.string(),
  packaged: z.boolean(),
});
export type AppInfo = z.infer<typeof AppInfo>;

/** What a signature of a report proves: nothing, that nothing was changed since, or that this appliance made it as well. */
export const ReportProof = z.enum(['broken', 'other-key', 'proven']);
export type ReportProof = z.infer<typeof ReportProof>;

export const SupportBundleFile = z.object({ name: z.string(), text: z.string() });

/** Every request that the renderer can make of main: the payload and the reply, both validated in main. */
export const channels = {
  'app.info': { request: nothing, reply: AppInfo },
  'settings.get': { request: nothing, reply: Settings },
  'settings.update': { request: SettingsChange, reply: Settings },

  'keychain.status': { request: nothing, reply: KeychainStatus },
  'profiles.list': { request: nothing, reply: z.array(Profile) },
  'profiles.get': { request: byId, reply: Profile },
  'profiles.create': { request: z.object({ profile: NewProfile, secrets: ProfileSecrets }), reply: Profile },
  'profiles.update': {
    request: z.object({ id: ProfileId, profile: NewProfile, secrets: ProfileSecrets.optional() }),
    /** `rotation`: appliances that hold a lease on the old secret, to which the new one may be offered. */
    reply: z.object({
      profile: Profile,
      rotation: z.array(z.object({ applianceId: ProfileId, endpointId: z.string() })),
    }),
  },
  'profiles.usage': { request: byId, reply: ProfileUsage },
  'profiles.delete': { request: byId, reply: done },
  'profiles.setDefault': { request: byId, reply: done },
  'profiles.defaults': { request: nothing, reply: z.partialRecord(ProfileKind, ProfileId) },
  'profiles.test': { request: byId, reply: ConnectionTest },
  /** Asks for a file name in main; without a passphrase no secret is exported. The reply is the path, or null if cancelled. */
  'profiles.export': {
    request: z.object({ passphrase: z.string().min(12).optional() }),
    reply: z.string().nullable(),
  },
  'profiles.import': {
    request: z.object({ passphrase: z.string().optional() }),
    reply: z.object({ added: z.number().int(), updated: z.number().int() }).nullable(),
  },

  'ssh.hosts': {
    request: nothing,
    reply: z.array(
      z.object({
        alias: z.string(),
        host: z.string(),
        port: z.number(),
        username: z.string().optional(),
        identityFile: z.string().optional(),
        jumpHosts: z.array(z.string()),
      }),
    ),
  },
  'appliances.status': { request: nothing, reply: z.array(ApplianceStatus) },
  'appliances.connect': { request: byId, reply: done },
  'appliances.disconnect': { request: byId, reply: done },
  'appliances.trustHostKey': {
    request: z.object({ id: ProfileId, fingerprint: z.string() }),
    reply: done,
  },
  /** Starts an installation or an upgrade of the agent; its steps arrive as `deploy.progress`. */
  'appliances.deploy': { request: byId, reply: done },
  'appliances.cancelDeploy': { request: byId, reply: done },
  /** Lends the secrets of a profile to an endpoint of the agent. They go from the keychain to the tunnel within main. */
  'leases.lend': {
    request: z.object({
      applianceId: ProfileId,
      profileId: ProfileId,
      endpointKind: z.enum(['source', 'target']),
      endpointId: z.uuid(),
      ttlSeconds: z.number().int().positive().optional(),
      sealed: z.boolean().default(false),
    }),
    reply: done,
  },
  'agent.call': { request: AgentCall, reply: AgentReply },

  /** Proves a report of a failover without asking its agent. `agentKey`: SPKI in PEM, by which the appliance signs now. */
  'report.prove': { request: z.object({ report: SignedReport, agentKey: z.string() }), reply: ReportProof },

  'clipboard.write': { request: z.object({ text: z.string().max(1_000_000) }), reply: done },
  /** Asks for a file name in main; null if cancelled. */
  'file.save': {
    request: z.union([
      z.object({ suggestedName: z.string(), text: z.string().max(50_000_000) }),
      z.object({ suggestedName: z.string(), base64: z.base64().max(50_000_000) }),
    ]),
    reply: z.string().nullable(),
  },
  'file.chooseKey': { request: nothing, reply: z.string().nullable() },
  'support.preview': { request: nothing, reply: z.array(SupportBundleFile) },
  'support.save': { request: z.object({ exclude: z.array(z.string()) }), reply: z.string().nullable() },
  'help.open': { request: z.object({ topic: z.enum(['documentation', 'licence']) }), reply: done },
} as const satisfies Record<string, { request: z.ZodType; reply: z.ZodType }>;

export type Channel = keyof typeof channels;
export type ChannelRequest<C extends Channel> = z.input<(typeof channels)[C]['request']>;
export type ChannelReply<C extends Channel> = z.output<(typeof channels)[C]['reply']>;

/** What main tells the renderer unasked. */
export const events = {
  'appliance.status': ApplianceStatus,
  'appliance.removed': byId,
  'agent.event': ApplianceEvent,
  'deploy.progress': DeployProgress,
  'profiles.changed': z.object({ kind: ProfileKind }),
  'settings.changed': Settings,
  /** A menu item, a notification or a deep link asks for a screen, such as `/appliances/<id>/jobs/<id>`. */
  navigate: z.object({ path: z.string() }),
  /** A menu item asks for something that the renderer does, such as opening the command palette. */
  command: z.object({ name: z.enum(['palette', 'find', 'refresh', 'shortcuts', 'new-workload']) }),
} as const satisfies Record<string, z.ZodType>;

export type EventName = keyof typeof events;
export type EventPayload<E extends EventName> = z.output<(typeof events)[E]>;

/** How a reply crosses the process boundary: errors are data, as thrown ones lose their type there. */
export const Envelope = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), data: z.unknown() }),
  z.object({ ok: z.literal(false), problem: Problem }),
]);
export type Envelope = z.infer<typeof Envelope>;

/** What the preload script puts on `window.ossea`: two functions and nothing else. */
export interface Bridge {
  invoke(channel: string, request: unknown): Promise<unknown>;
  /** Returns the unsubscriber. */
  on(event: string, listener: (payload: unknown) => void): () => void;
}
