import type { ManagedVolume } from '../contract/index.ts';

/** What is kept of a volume: the public resource, and what is needed to find and name it again. */
export interface VolumeRecord extends ManagedVolume {
  /** Name of the workload's VM and label of its disk, for names that people read. */
  readonly vmName: string;
  readonly diskLabel: string;
  /** A CloudStack job that was accepted for this volume and whose end we have not written down. */
  readonly pendingJobId?: string | undefined;
}

/**
 * Where the volume service writes its intents down before it acts. `put` must be durable when it resolves: a crash
 * after it finds the record again.
 */
export interface VolumeRecords {
  get(recordId: string): Promise<VolumeRecord | undefined>;
  /** All records of a target but those of volumes that are deleted or surrendered. */
  list(targetId: string): Promise<VolumeRecord[]>;
  /** Inserts the record, or replaces the one of the same id. */
  put(record: VolumeRecord): Promise<void>;
}
