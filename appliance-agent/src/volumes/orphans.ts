import type { Orphan } from '../contract/index.ts';
import { inVmStates, onApplianceStates } from './volumeContext.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** What the agent still needs, by record id. */
export interface NeededVolumes {
  /** Volumes that hold a replica. */
  readonly replicas: ReadonlySet<string>;
  /** Clones of tests that are not ended. */
  readonly clones: ReadonlySet<string>;
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
    const isOurs = record.state !== 'deleted' && record.state !== 'surrendered';
    if (!isOurs || needed.inUse.has(record.id)) return [];
    const orphan = {
      id: record.id,
      name: record.name,
      endpointId: record.targetId,
      workloadId: record.workloadId,
      foundAt: foundAt.toISOString(),
    };
    if (record.role === 'clone') {
      if (needed.clones.has(record.id)) return [];
      return [{ ...orphan, kind: 'volume', action: 'Take it out of the test’s VM and delete it for good.' }];
    }
    // What its guest wrote is the workload now: rollback, commit or the failover's own cleanup decide.
    if (inVmStates.has(record.state)) return [];
    if (!needed.replicas.has(record.id)) {
      return [{ ...orphan, kind: 'volume', action: 'Detach it from the appliance and delete it for good.' }];
    }
    if (onApplianceStates.has(record.state)) {
      return [{ ...orphan, kind: 'attachment', action: 'Detach it from the appliance; the replica stays.' }];
    }
    return [];
  });
}
