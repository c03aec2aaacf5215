import type { CloudStackClient } from '../cloudstack/client.ts';
import type { CloudId, Orphan, OsseaError } from '../contract/index.ts';
import type { ByteRange } from '../disk/extent.ts';
import type { VolumeRecord, VolumeRecords } from './volumeRecords.ts';

export interface VolumeServiceOptions {
  readonly client: CloudStackClient;
  /** Our id of the target endpoint; records of other targets are not looked at. */
  readonly targetId: string;
  /** The VM on which this agent runs. */
  readonly applianceVmId: CloudId;
  readonly records: VolumeRecords;
  /** Where the kernel publishes attached disks; `/dev/disk/by-id` outside a lab. */
  readonly deviceDir: string;
  /** Where readable persistent links are kept, such as `/run/ossea-agent/volumes`. */
  readonly linkDir: string;
  /** Most data volumes that the appliance may hold; undefined: learned from CloudStack. */
  readonly attachLimit?: number | undefined;
  /** How long an attached volume's device may take to appear, or a detached one's to vanish. Default 120 000 ms. */
  readonly deviceTimeoutMs?: number | undefined;
}

export interface CreateVolume {
  /** The record's UUID, chosen by the caller and the same at every repetition; the volume's token follows from it. */
  readonly recordId: string;
  readonly workload: { readonly id: string; readonly name: string };
  readonly disk: { readonly id: string; readonly label: string };
  /** The disk's capacity; the volume gets the next whole GiB. */
  readonly bytes: number;
  readonly zoneId: CloudId;
  readonly diskOfferingId: CloudId;
}

/** A volume that can be written now. */
export interface AttachedVolume {
  readonly record: VolumeRecord;
  /** The link in the device directory; open this, it holds only while the volume is attached. */
  readonly devicePath: string;
  /** The readable link to it. */
  readonly persistentPath: string;
  /** Size of the device in bytes; at least the disk's. */
  readonly deviceBytes: number;
  /** True where nothing was ever written and the storage promises zeros. */
  readonly knownZero: boolean;
}

/** Why an attach waits. */
export interface AttachWait {
  readonly reason: 'attach-slot';
  readonly usedSlots: number;
  readonly maxSlots: number;
  /** A sentence for people. */
  readonly message: string;
}

/** A record that said something else than CloudStack and the kernel, and what it says now. */
export interface Correction {
  readonly recordId: string;
  readonly name: string;
  readonly summary: string;
}

export interface ReconcileReport {
  readonly corrections: Correction[];
  /** What could not be settled now; the record is as it was, and the next use tries again. */
  readonly unsettled: { readonly recordId: string; readonly name: string; readonly error: OsseaError }[];
  /** Volumes that bear our mark but are in no record of ours: another agent's, or of a lost database. Never touched. */
  readonly strays: { readonly volumeId: string; readonly name: string }[];
}

/** What the agent still needs, by record id. */
export interface NeededVolumes {
  /** Volumes that hold a replica or belong to a job. */
  readonly replicas: ReadonlySet<string>;
  /** Volumes that a job uses now, and may therefore be attached. */
  readonly inUse: ReadonlySet<string>;
}

/**
 * The one owner of volumes in one target. Every method may be called again after a crash or a lost answer, with the
 * same arguments, and then finishes what was begun. Intents are in the records before CloudStack is asked.
 */
export interface VolumeOwner {
  /**
   * Creates the volume, or finds the one that an earlier call made. `Allocated` only: space appears at the first attach.
   * @throws OsseaError cloudstack.*
   */
  create(request: CreateVolume, signal: AbortSignal): Promise<VolumeRecord>;
  /**
   * Attaches the volume to the appliance and finds its device by the volume's UUID. Waits for a free slot and for its
   * turn; `onWaiting` tells why, and undefined when it goes on.
   * @throws OsseaError volume.device-missing, volume.device-busy, volume.too-small, volume.foreign, cloudstack.*
   */
  attach(
    recordId: string,
    signal: AbortSignal,
    onWaiting?: (wait: AttachWait | undefined) => void,
  ): Promise<AttachedVolume>;
  /** Writes down that the volume does not read as zeros any more. To be called before the first byte is written. */
  markWritten(recordId: string): Promise<void>;
  /**
   * Detaches the volume; the caller has flushed and closed the device. Resolves when the device's link is gone.
   * @throws OsseaError volume.device-busy, volume.foreign, cloudstack.*
   */
  detach(recordId: string, signal: AbortSignal): Promise<VolumeRecord>;
  /**
   * Detaches and deletes the volume for good. Resolves also when it is gone already.
   * @throws OsseaError volume.foreign when record, name and tag do not agree; cloudstack.*
   */
  delete(recordId: string, signal: AbortSignal): Promise<void>;
  /** Compares records, CloudStack and the kernel, and finishes what was begun. To be called before workflows start. */
  reconcile(signal: AbortSignal): Promise<ReconcileReport>;
  /** Volumes and attachments of ours that nobody needs. */
  listOrphans(needed: NeededVolumes, signal: AbortSignal): Promise<Orphan[]>;
  /** Removes an orphan of kind `volume` or `attachment`. */
  removeOrphan(orphan: Orphan, signal: AbortSignal): Promise<void>;
}

/** Bytes behind the disk's end, up to the volume's whole GiB. The copy engine writes zeros there unless `knownZero`. */
export function tailRange(record: Pick<VolumeRecord, 'requestedBytes' | 'sizeBytes'>): ByteRange {
  return { offset: record.requestedBytes, length: record.sizeBytes - record.requestedBytes };
}

export type CreateVolumeService = (options: VolumeServiceOptions) => VolumeOwner;
