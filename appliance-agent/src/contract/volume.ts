import { z } from 'zod';
import { AgentId, Bytes, CloudId, Timestamp, VolumeId } from './ids.ts';

/** Where a volume of ours stands. Each `…ing` is written down before CloudStack is asked. */
export const VolumeState = z.enum([
  'creating',
  'detached',
  'attaching',
  'attached',
  'detaching',
  'deleting',
  'deleted',
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
  name: z.string(),
  state: VolumeState,
  requestedBytes: Bytes,
  /** Whole GiB. */
  sizeBytes: Bytes,
  zoneId: CloudId,
  diskOfferingId: CloudId,
  attachedVmId: CloudId.optional(),
  /** `/dev/disk/by-id/…` while attached; found anew each time, never stored over a reboot. */
  devicePath: z.string().optional(),
  /** Human-readable persistent link, `<run dir>/volumes/<vm>-<disk>`. */
  persistentPath: z.string().optional(),
  /** True until the first write of data: the volume is known to read as zeros. */
  knownZero: z.boolean(),
  createdAt: Timestamp,
});
export type ManagedVolume = z.infer<typeof ManagedVolume>;
