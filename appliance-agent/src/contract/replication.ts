import { z } from 'zod';
import { AgentId, Bytes, DeviceKey, Timestamp, TransportKind } from './ids.ts';

/** When a workload is replicated by itself. */
export const Schedule = z.discriminatedUnion('kind', [
  /** Only when somebody asks. */
  z.object({ kind: z.literal('manual') }),
  /** So long after the start of the last one. */
  z.object({ kind: z.literal('interval'), minutes: z.number().int().min(1).max(10_080) }),
  /** At the times of a cron expression of five fields, in the time zone given or UTC. */
  z.object({
    kind: z.literal('cron'),
    expression: z.string().min(9).max(200),
    timeZone: z.string().max(64).optional(),
  }),
  /** One after the other. */
  z.object({ kind: z.literal('continuous') }),
]);
export type Schedule = z.infer<typeof Schedule>;

/** Why a disk was not brought up to date by its changed blocks alone. */
export const FullReason = z.enum([
  'first',
  /** Added to the VM, or put in another's place, after the first cycle. */
  'new-disk',
  /** What was known of the replica is gone, such as with the appliance's disk: nothing of the volume is trusted. */
  'journal-lost',
  'cbt-off',
  'cbt-reset',
  'cbt-reverted',
  'cbt-refused',
  'no-random-access',
]);
export type FullReason = z.infer<typeof FullReason>;

/** What one cycle did to one disk. */
export const CycleDiskRecord = z.object({
  key: DeviceKey,
  label: z.string(),
  /** `delta`: the changed blocks; `compare`: all was read, and what differed was written; `full`: all was written. */
  mode: z.enum(['delta', 'compare', 'full']),
  /** Undefined for a delta. */
  reason: FullReason.optional(),
  /** The same in words, with what was seen. */
  detail: z.string().optional(),
  /** How the source was read. */
  transport: TransportKind.optional(),
  /** What the source said has changed, or the capacity. */
  changedBytes: Bytes,
  readBytes: Bytes,
  writtenBytes: Bytes,
  seconds: z.number().nonnegative(),
  /** Bytes that the disk grew by, before it was copied. */
  grownBytes: Bytes.optional(),
});
export type CycleDiskRecord = z.infer<typeof CycleDiskRecord>;

/** One complete cycle: a consistent point of all disks. */
export const CycleRecord = z.object({
  jobId: AgentId,
  /** The moment of the source that the replica shows since. */
  pointAt: Timestamp,
  /** Undefined for the first. */
  previousPointAt: Timestamp.optional(),
  startedAt: Timestamp,
  endedAt: Timestamp,
  consistency: z.enum(['crash', 'quiesced', 'powered-off']),
  disks: z.array(CycleDiskRecord),
});
export type CycleRecord = z.infer<typeof CycleRecord>;

/** How far a workload's replica is behind, how fast it changes, and what a cutover would cost now. */
export const ReplicationStatus = z.object({
  workloadId: AgentId,
  schedule: Schedule,
  /** When the schedule starts the next cycle; undefined: not by itself. */
  nextRunAt: Timestamp.optional(),
  /** Why the schedule does not run, such as a workload that was failed over. */
  heldBecause: z.string().optional(),
  /** Age of the replica's point now; undefined before the first. Seconds. */
  lagSeconds: z.number().nonnegative().optional(),
  /** What was agreed. Seconds. */
  rpoGoalSeconds: z.number().positive().optional(),
  goalMet: z.boolean().optional(),
  /** Bytes a second that the source changes, per disk, over the last cycles. */
  churn: z.array(z.object({ key: DeviceKey, label: z.string(), bytesPerSecond: z.number().nonnegative() })),
  churnBytesPerSecond: z.number().nonnegative(),
  /** What has changed since the point, as far as the churn tells. */
  backlogBytes: Bytes,
  forecast: z
    .object({
      /** From the guest's shutdown to the start of the target's VM, were it now. */
      downtimeSeconds: z.number().nonnegative(),
      /** What it is made of. */
      parts: z.array(z.object({ name: z.string(), seconds: z.number().nonnegative() })),
      /** False where the source changes faster than it can be copied: rounds do not help. */
      converges: z.boolean(),
      /** What it rests on, in a sentence. */
      basis: z.string(),
    })
    .optional(),
  /** Newest first, at most 50. */
  cycles: z.array(CycleRecord),
});
export type ReplicationStatus = z.infer<typeof ReplicationStatus>;
