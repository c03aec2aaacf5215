import type { Orphan } from '../contract/index.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** What the agent still needs, by record id. */
export interface NeededVolumes {
  /** Volumes that hold a replica or belong to a job. */
  readonly replicas: ReadonlySet<string>;
  /** Volumes that a job uses now, and may therefore be attached. */
  readonly inUse: ReadonlySet<string>;
}

/** Volumes and attachments of ours that nobody needs. Only what stands in the records can be an orphan. */
export function findOrphans(
  records: readonly VolumeRecord[],
  needed: NeededVolumes,
  foundAt: Date,
): Orphan[] {
  return records.flatMap((record): Orphan[] => {
    if (record.state === 'deleted' || needed.inUse.has(record.id)) return [];
    const orphan = {
      id: record.id,
      name: record.name,
      endpointId: record.targetId,
      workloadId: record.workloadId,
      foundAt: foundAt.toISOString(),
    };
    if (!needed.replicas.has(record.id)) {
      return [{ ...orphan, kind: 'volume', action: 'Detach it from the appliance and delete it for good.' }];
    }
    if (['attaching', 'attached', 'detaching'].includes(record.state)) {
      return [{ ...orphan, kind: 'attachment', action: 'Detach it from the appliance; the replica stays.' }];
    }
    return [];
  });
}
