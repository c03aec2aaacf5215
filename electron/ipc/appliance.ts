import { z } from 'zod';
import { AgentEvent, Problem, type RouteName, routes } from '../../appliance-agent/src/contract/index.ts';
import { ProfileId } from './profiles.ts';

/** Health of one appliance's tunnel. */
export const ApplianceState = z.enum([
  'disconnected',
  'connecting',
  'online',
  'degraded',
  'offline',
  'needs-attention',
]);
export type ApplianceState = z.infer<typeof ApplianceState>;

export const HostKeyQuestion = z.object({
  host: z.string(),
  /** The entry in the profile's `jumpHosts`; undefined for the appliance itself. */
  jumpHost: z.string().optional(),
  /** What the server shows now, `SHA256:…`. */
  fingerprint: z.string(),
  keyType: z.string(),
  /** What was trusted before; set only where the key has changed, which stops everything. */
  trusted: z.string().optional(),
});
export type HostKeyQuestion = z.infer<typeof HostKeyQuestion>;

export const ApplianceStatus = z.object({
  id: ProfileId,
  state: ApplianceState,
  /** Since when it is in this state. */
  since: z.iso.datetime(),
  latencyMs: z.number().optional(),
  agentVersion: z.string().optional(),
  /** Of the last answer; what the console shows while offline is as old as this. */
  lastSeen: z.iso.datetime().optional(),
  /** Seconds until the next attempt to connect. */
  retryInSeconds: z.number().optional(),
  problem: Problem.optional(),
  hostKeyQuestion: HostKeyQuestion.optional(),
});
export type ApplianceStatus = z.infer<typeof ApplianceStatus>;

const routeNames = Object.keys(routes);
export const RouteNameSchema = z.custom<RouteName>(
  (value) => typeof value === 'string' && routeNames.includes(value),
);

/** One operation of the agent's API. Payloads are validated against the route's own schemas in main. */
export const AgentCall = z.object({
  applianceId: ProfileId,
  route: RouteNameSchema,
  params: z.unknown().optional(),
  query: z.unknown().optional(),
  body: z.unknown().optional(),
});
export type AgentCall = z.infer<typeof AgentCall>;

/** The agent's reply, or the last known one while it cannot be reached. */
export const AgentReply = z.object({
  /** JSON as the agent wrote it, empty for none; validated against the route's schema by who reads it. */
  text: z.string(),
  /** Set where the reply comes out of the cache: when it was true. */
  cachedAt: z.iso.datetime().optional(),
});
export type AgentReply = z.infer<typeof AgentReply>;

export const ApplianceEvent = z.object({
  applianceId: ProfileId,
  id: z.number().int().optional(),
  event: AgentEvent,
});
export type ApplianceEvent = z.infer<typeof ApplianceEvent>;

export const DeployStepName = z.enum(['connect', 'inspect', 'upload', 'install', 'start', 'token', 'verify']);
export const DeployProgress = z.object({
  applianceId: ProfileId,
  step: DeployStepName,
  state: z.enum(['running', 'done', 'failed']),
  /** Output of the step since the last event. */
  output: z.string(),
  problem: Problem.optional(),
});
export type DeployProgress = z.infer<typeof DeployProgress>;
