import pRetry from 'p-retry';
import { isOsseaError, OsseaError, type VirtualMachine, type Workload } from '../../contract/index.ts';
import type { WorkflowParts } from '../parts.ts';
import { findSourceVm } from '../sourceVm.ts';

/** A lost connection is no lost source: what is asked so often without an answer cannot be asked. */
const looks = 3;
/** Before the second look; doubled each time. Milliseconds. */
const pauseMs = 300;

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
      const vm = await pRetry(() => findSourceVm(parts, workload), {
        retries: looks - 1,
        minTimeout: pauseMs,
        shouldRetry: ({ error }) => isOsseaError(error) && error.retryable,
      });
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
