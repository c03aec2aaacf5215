import { z } from 'zod';
import { AgentId, Bytes, CloudId, Timestamp, VolumeId } from './ids.ts';

/** Where a volume of ours stands. Each `…ing` is written down before CloudStack is asked. */
export const VolumeState = z.enum([
  'creating',
  'detached',
  /** To the appliance, as the next two. */
  'attaching',
  'attached',
  'detaching',
  /** Into another VM, as the next two; `in-vm` also while a VM is being made of it. */
  'joining-vm',
  'in-vm',
  'leaving-vm',
  'deleting',
  'deleted',
  /** It belongs to a VM that was committed, and is no business of ours any more. */
  'surrendered',
]);
export type VolumeState = z.infer<typeof VolumeState>;

export const ManagedVolume = z.object({
  /** Our record's id; it is also the token within the volume's name. */
  id: AgentId,
  targetId: AgentId,
  workloadId: AgentId,
  workloadDiskId: AgentId,
  /** Undefined until CloudStack has told it. */
  volumeId: VolumeId.optional(),
  /** A clone is made from a snapshot of a replica, for a test, and goes with it. */
  role: z.enum(['replica', 'clone']).default('replica'),
  /** The snapshot that a clone is made from. */
  snapshotId: CloudId.optional(),
  name: z.string(),
  state: VolumeState,
  requestedBytes: Bytes,
  /** Whole GiB. */
  sizeBytes: Bytes,
  zoneId: CloudId,
  diskOfferingId: CloudId,
  /** The appliance's VM, or in the states of another VM that one, as soon as it is known. */
  attachedVmId: CloudId.optional(),
  /** The place that was asked for in another VM; 0 is its root disk. */
  vmDeviceId: z.number().int().nonnegative().optional(),
  /** Where its bytes lie while CloudStack does not know it as a volume: on the way into a VM that is imported. */
  poolFile: z.object({ storageId: CloudId, path: z.string() }).optional(),
  /** `/dev/disk/by-id/…` while attached; found anew each time, never stored over a reboot. */
  devicePath: z.string().optional(),
  /** Human-readable persistent link, `<run dir>/volumes/<vm>-<disk>`. */
  persistentPath: z.string().optional(),
  /** True until the first write of data: the volume is known to read as zeros. */
  knownZero: z.boolean(),
  createdAt: Timestamp,
});
export type ManagedVolume = z.infer<typeof ManagedVolume>;
