import { z } from 'zod';
import { Problem } from './error.ts';
import { AgentId, Bytes, DeviceKey, Timestamp, VerifyMode, VolumeId } from './ids.ts';
import { TransportChoice } from './workload.ts';

export const JobKind = z.enum([
  'replicate',
  'verify',
  'cleanup',
  'test-failover',
  'live-failover',
  'commit',
  'rollback',
  'failover-cleanup',
]);
export type JobKind = z.infer<typeof JobKind>;

export const JobState = z.enum(['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled']);
export type JobState = z.infer<typeof JobState>;

/** What a waiting job waits for. */
export const WaitReason = z.enum([
  'credentials',
  'attach-slot',
  'queue',
  'source',
  'target',
  'snapshot',
  'retry',
  'person',
  'paused',
  /** Another job works on the replica; it goes on after it. */
  'replica',
]);
export type WaitReason = z.infer<typeof WaitReason>;

export const StepState = z.enum(['pending', 'running', 'waiting', 'done', 'failed', 'skipped']);
export type StepState = z.infer<typeof StepState>;

export const JobStep = z.object({
  name: z.string(),
  title: z.string(),
  state: StepState,
  startedAt: Timestamp.optional(),
  endedAt: Timestamp.optional(),
  message: z.string().optional(),
});
export type JobStep = z.infer<typeof JobStep>;

/** Counters of one disk in one job. All but `plannedBytes` only grow, also across restarts of the agent. */
export const DiskProgress = z.object({
  key: DeviceKey,
  label: z.string(),
  phase: z.enum(['waiting', 'copying', 'verifying', 'healing', 'done', 'failed']),
  capacityBytes: Bytes,
  /** What this job means to read; progress is told against it, never against the capacity. */
  plannedBytes: Bytes,
  readBytes: Bytes,
  writtenBytes: Bytes,
  /** Holes and zero chunks that were not written. */
  skippedBytes: Bytes,
  /** Bytes that are safe: flushed and journalled. */
  doneBytes: Bytes,
  /** Read again because of a restart. */
  rereadBytes: Bytes,
  bytesPerSecond: z.number().nonnegative(),
  etaSeconds: z.number().nonnegative().optional(),
  transport: TransportChoice.optional(),
  /** Share of the time that the copy waited for each part; names the bottleneck. */
  waits: z
    .object({ source: z.number(), digest: z.number(), target: z.number(), throttle: z.number() })
    .optional(),
});
export type DiskProgress = z.infer<typeof DiskProgress>;

/** The evidence of one disk. */
export const DiskReport = z.object({
  key: DeviceKey,
  label: z.string(),
  volumeId: VolumeId,
  capacityBytes: Bytes,
  /** Written to the volume by this run. */
  copiedBytes: Bytes,
  /** Zeros of the disk that the volume holds without their having been written. */
  holeBytes: Bytes,
  seconds: z.number(),
  /** Digest of the whole source disk: the BLAKE3 of the chunk digests in order, hex. */
  sourceDigest: z.string(),
  /** The same, from reading all of the target again; undefined when that was not done. */
  targetDigest: z.string().optional(),
  verified: z.boolean(),
  verifyMode: VerifyMode,
  /** Bytes of the target that were read back. */
  verifiedBytes: Bytes.optional(),
  mismatchedChunks: z.number().int().nonnegative(),
  healedChunks: z.number().int().nonnegative(),
  changeId: z.string().optional(),
  transport: TransportChoice,
});
export type DiskReport = z.infer<typeof DiskReport>;

export const Job = z.object({
  id: AgentId,
  kind: JobKind,
  workloadId: AgentId.optional(),
  workloadName: z.string().optional(),
  state: JobState,
  /** Somebody has paused it: nothing is copied until somebody resumes it. */
  paused: z.boolean().optional(),
  waitReason: WaitReason.optional(),
  /** What it waits for or does, in words. */
  message: z.string().optional(),
  problem: Problem.optional(),
  steps: z.array(JobStep),
  disks: z.array(DiskProgress),
  reports: z.array(DiskReport),
  /** Sums over the disks. */
  plannedBytes: Bytes,
  doneBytes: Bytes,
  bytesPerSecond: z.number().nonnegative(),
  etaSeconds: z.number().nonnegative().optional(),
  createdBy: z.string(),
  createdAt: Timestamp,
  startedAt: Timestamp.optional(),
  endedAt: Timestamp.optional(),
});
export type Job = z.infer<typeof Job>;

export const StartReplicate = z.object({
  verify: VerifyMode.optional(),
  /** Accepts warnings of the preflight by rule id; critical ones cannot be accepted. */
  bandwidthLimit: z.number().int().positive().optional(),
  /** Whether the guest's file systems are to be quiet for the snapshot; default: what the settings say. */
  quiesce: z.boolean().optional(),
});
export type StartReplicate = z.infer<typeof StartReplicate>;

export const StartVerify = z.object({
  mode: z.enum(['readback', 'source']).default('readback'),
  heal: z.boolean().default(true),
});
export type StartVerify = z.infer<typeof StartVerify>;

/** Something of ours that exists outside the agent and that no running job needs. */
export const Orphan = z.object({
  /** The last four: what an ended failover left. */
  kind: z.enum(['snapshot', 'volume', 'attachment', 'journal', 'vm', 'volume-snapshot', 'nic', 'network']),
  id: z.string(),
  name: z.string(),
  endpointId: AgentId.optional(),
  workloadId: AgentId.optional(),
  foundAt: Timestamp,
  /** What cleanup will do with it. */
  action: z.string(),
});
export type Orphan = z.infer<typeof Orphan>;

export const StartCleanup = z.object({
  workloadId: AgentId.optional(),
  /** Also deletes the replica volumes of the workload and forgets it. */
  removeReplica: z.boolean().default(false),
  dryRun: z.boolean().default(false),
});
export type StartCleanup = z.infer<typeof StartCleanup>;
