import { z } from 'zod';
import { AgentId, Timestamp } from './ids.ts';

export const Role = z.enum(['viewer', 'operator', 'admin']);
export type Role = z.infer<typeof Role>;

export const Token = z.object({
  id: AgentId,
  name: z.string(),
  role: Role,
  createdAt: Timestamp,
  expiresAt: Timestamp.optional(),
  revokedAt: Timestamp.optional(),
  lastUsedAt: Timestamp.optional(),
});
export type Token = z.infer<typeof Token>;

export const CreateToken = z.object({
  name: z.string().min(1).max(200),
  role: Role.default('operator'),
  ttlSeconds: z.number().int().positive().optional(),
});
export type CreateToken = z.infer<typeof CreateToken>;

/** The only time that the token itself is told; the agent keeps its hash. */
export const CreatedToken = Token.extend({ token: z.string() });
export type CreatedToken = z.infer<typeof CreatedToken>;

/** The caller as the agent knows it. */
export const Session = z.object({
  /** The token's name, or `local administrator` on the administration socket. */
  name: z.string(),
  role: Role,
  /** When the token ends; undefined: it does not. */
  expiresAt: Timestamp.optional(),
  agentVersion: z.string(),
});
export type Session = z.infer<typeof Session>;

export const AuditEntry = z.object({
  id: z.number().int(),
  at: Timestamp,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  outcome: z.enum(['ok', 'failed', 'denied']),
  detail: z.string().optional(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const DoctorCheck = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(['ok', 'warning', 'failed', 'skipped']),
  detail: z.string(),
  remedy: z.string().optional(),
});
export type DoctorCheck = z.infer<typeof DoctorCheck>;

export const DoctorReport = z.object({ at: Timestamp, version: z.string(), checks: z.array(DoctorCheck) });
export type DoctorReport = z.infer<typeof DoctorReport>;

export const Health = z.object({
  status: z.enum(['ok', 'degraded', 'starting']),
  version: z.string(),
  startedAt: Timestamp,
  database: z.enum(['ok', 'unavailable']),
  runningJobs: z.number().int(),
  waitingJobs: z.number().int(),
  /** What keeps the agent from its work now, such as a missing configuration. */
  missing: z.array(z.string()),
});
export type Health = z.infer<typeof Health>;

export const Limits = z.object({
  /** Bytes a second over all jobs; undefined is no limit. */
  bandwidthLimit: z.number().int().positive().optional(),
  /** Workloads replicated at a time. */
  concurrentJobs: z.number().int().min(1).max(64),
  /** Disks copied at a time within one job. */
  concurrentDisks: z.number().int().min(1).max(64),
});
export type Limits = z.infer<typeof Limits>;
