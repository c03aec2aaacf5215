import { isOsseaError, OsseaError, type VirtualMachine, type Workload } from '../../contract/index.ts';
import type { WorkflowParts } from '../parts.ts';
import { findSourceVm } from '../sourceVm.ts';

export interface SourceFacts {
  readonly vm: VirtualMachine;
  /** False: as it was when it was last seen. */
  readonly reachable: boolean;
}

/**
 * The source VM as it is, or where its vCenter cannot be asked now, as it was last seen: a replica does not need its source to be used.
 * @throws OsseaError `failover.not-ready` where it was never seen
 */
export async function sourceFacts(parts: WorkflowParts, workload: Workload): Promise<SourceFacts> {
  const { store, credentials, logger } = parts;
  if (credentials.get(workload.sourceId)) {
    try {
      const vm = await findSourceVm(parts, workload);
      await store.workloads.putSourceVm(workload.id, vm);
      return { vm, reachable: true };
    } catch (error) {
      if (!isOsseaError(error)) throw error;
      logger.info(
        { code: error.code, workload: workload.name },
        'the source cannot be asked; its last facts serve',
      );
    }
  }
  const vm = await store.workloads.sourceVm(workload.id);
  if (vm) return { vm, reachable: false };
  throw new OsseaError(
    'failover.not-ready',
    `The VM of ${workload.name} was not seen yet, and its vCenter cannot be asked.`,
    { remedy: 'Lend credentials for its vCenter and replicate it.' },
  );
}
