import type { CloudStackClient } from '../cloudstack/client.ts';
import { type CloudId, OsseaError, type VolumeId } from '../contract/index.ts';
import type { AttachSlots } from './attachSlots.ts';
import type { Turns } from './turns.ts';
import type { VolumeRecord, VolumeRecords } from './volumeRecords.ts';

/** What every volume operation works with. */
export interface VolumeContext {
  readonly client: CloudStackClient;
  readonly targetId: string;
  readonly applianceVmId: CloudId;
  readonly records: VolumeRecords;
  readonly deviceDir: string;
  readonly linkDir: string;
  readonly deviceTimeoutMs: number;
  /** The first pause between looks at CloudStack after an unclear outcome. */
  readonly pauseMs: number;
  readonly slots: AttachSlots;
  /** CloudStack plugs one volume at a time into a VM; its own queue answers with timeouts when it grows. */
  readonly vmTurns: Turns;
}

/** How long a device is waited for before CloudStack is asked again whether the volume is still attached. */
export const deviceRecheckMs = 5_000;

/** Writes the changed record down and gives it. */
export async function update(
  context: VolumeContext,
  record: VolumeRecord,
  changes: Partial<VolumeRecord>,
): Promise<VolumeRecord> {
  const changed: VolumeRecord = { ...record, ...changes };
  await context.records.put(changed);
  return changed;
}

const uncreatedStates: ReadonlySet<string> = new Set(['creating', 'deleting', 'deleted', 'surrendered']);

/** States of a volume that another VM than the appliance's has, gets, or gives back. */
export const inVmStates: ReadonlySet<string> = new Set(['joining-vm', 'in-vm', 'leaving-vm']);

/** States of a volume that the appliance has, gets, or gives back. */
export const onApplianceStates: ReadonlySet<string> = new Set(['attaching', 'attached', 'detaching']);

/** A record with a volume in CloudStack. */
export type CreatedRecord = VolumeRecord & { readonly volumeId: VolumeId };

/** @throws OsseaError request.conflict for a volume that was not created yet, or is deleted */
export function assertCreated(record: VolumeRecord): asserts record is CreatedRecord {
  if (record.volumeId !== undefined && !uncreatedStates.has(record.state)) return;
  throw new OsseaError(
    'request.conflict',
    `The volume ${record.name} is ${record.state} and cannot be attached.`,
  );
}

/**
 * Does work whose accepted job is written down while it is waited for. It stays written when we are told to stop: the job goes
 * on, and whoever continues waits for it first.
 */
export async function withPendingJob<T>(
  context: VolumeContext,
  record: VolumeRecord,
  signal: AbortSignal,
  work: (onAccepted: (job: { readonly jobId: string }) => Promise<void>) => Promise<T>,
): Promise<T> {
  let accepted = false;
  try {
    return await work(async ({ jobId }) => {
      accepted = true;
      await update(context, record, { pendingJobId: jobId });
    });
  } finally {
    if (!signal.aborted && accepted) await update(context, record, { pendingJobId: undefined });
  }
}

/** Waits for a job that a previous process or a cancelled call has left; what came of it is looked at by the caller. */
export async function finishPendingJob(
  context: VolumeContext,
  record: VolumeRecord,
  signal: AbortSignal,
): Promise<VolumeRecord> {
  if (record.pendingJobId === undefined) return record;
  try {
    await context.client.waitForJob(record.pendingJobId, record.name, signal);
  } catch {
    // Its failure says nothing about its effect.
    signal.throwIfAborted();
  }
  return await update(context, record, { pendingJobId: undefined });
}
