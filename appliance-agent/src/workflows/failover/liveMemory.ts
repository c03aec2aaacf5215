import { z } from 'zod';
import { AgentId, AnswerFailover, RecoveryPoint, Timestamp } from '../../contract/index.ts';
import type { WorkflowParts } from '../parts.ts';
import type { PreparedGuest } from './prepareGuest.ts';

/** See `PowerMark`. */
const Mark = z.object({
  powerState: z.enum(['poweredOn', 'poweredOff', 'suspended']),
  bootTime: z.string().optional(),
  changeVersion: z.string().optional(),
});

const Prepared: z.ZodType<PreparedGuest> = z.looseObject({
  warnings: z.array(z.string()),
  seconds: z.number(),
}) as z.ZodType<PreparedGuest>;

/** What a live failover remembers over its jobs, besides its record: a second attempt goes on with it, and what undoes it goes by it. */
const LiveMemory = z.object({
  /** The job that was let in last; see `isAdmitted`. */
  admittedJobId: AgentId.optional().catch(undefined),
  /** The shutdown that was asked for, and until when it is waited for. */
  shutdown: z.object({ askedAt: Timestamp, waitUntil: Timestamp }).optional().catch(undefined),
  /** What a person answered last. */
  answer: AnswerFailover.shape.answer.nullish().catch(undefined),
  /** The point that the replica shows since its last delta; nothing of the source is to be copied any more. */
  final: RecoveryPoint.optional().catch(undefined),
  /** How the source was when it was looked at last; it has to be so still when the target starts. */
  mark: Mark.optional().catch(undefined),
  /** Since then something else than a cycle may have written to the replica's volumes. */
  touchedAt: Timestamp.nullish().catch(undefined),
  /** By the disk's id: what its volume was called before it was let go for an import. */
  formerVolumeIds: z.record(z.string(), z.array(z.string())).optional().catch(undefined),
  /** What the preparation of the guest found; undefined while the replica is not prepared. */
  prepared: Prepared.nullish().catch(undefined),
  /** MAC addresses that the destroyed VM of the target has until CloudStack expunges it. */
  heldMacs: z.array(z.string()).optional().catch(undefined),
  /** When the start of the target's VM was asked for: from then on it may have data that nobody else has. */
  startedAt: Timestamp.nullish().catch(undefined),
});
export type LiveMemory = z.infer<typeof LiveMemory>;

export async function recall({ store }: WorkflowParts, failoverId: string): Promise<LiveMemory> {
  return LiveMemory.parse(await store.failovers.memory(failoverId));
}

/** Durable when it resolves. Null takes a member back. */
export async function remember(
  { store }: WorkflowParts,
  failoverId: string,
  members: LiveMemory,
): Promise<void> {
  await store.failovers.remember(failoverId, members);
}
