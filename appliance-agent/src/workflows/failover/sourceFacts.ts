import pRetry from 'p-retry';
import { isOsseaError, OsseaError, type VirtualMachine, type Workload } from '../../contract/index.ts';
import { orAborted } from '../../volumes/turns.ts';
import type { WorkflowParts } from '../parts.ts';
import { findSourceVm, withTags } from '../sourceVm.ts';

/** A lost connection is no lost source: what is asked so often without an answer cannot be asked. */
const looks = 3;
/** Before the second look; doubled each time. Milliseconds. */
const pauseMs = 300;
/** How long all looks may take: a vCenter that takes connections and does not answer would else be waited for for minutes. Milliseconds. */
const patienceMs = 30_000;

export interface SourceFacts {
  readonly vm: VirtualMachine;
  /** False: as it was when it was last seen. */
  readonly reachable: boolean;
}

export interface SourceLook {
  /** Milliseconds. Default 30 000; 0: it is not asked. */
  readonly patienceMs?: number | undefined;
}

/**
 * The source VM as it is, or where its vCenter cannot be asked now, as it was last seen: a replica does not need its source to be used.
 * @throws OsseaError `failover.not-ready` where it was never seen
 */
export async function sourceFacts(
  parts: WorkflowParts,
  workload: Workload,
  look: SourceLook = {},
): Promise<SourceFacts> {
  const { store, credentials, logger } = parts;
  const waitMs = look.patienceMs ?? patienceMs;
  if (waitMs > 0 && credentials.get(workload.sourceId)) {
    const end = AbortSignal.timeout(waitMs);
    try {
      const asked = pRetry(async () => withTags(parts, workload, await findSourceVm(parts, workload), true), {
        retries: looks - 1,
        minTimeout: pauseMs,
        signal: end,
        shouldRetry: ({ error }) => isOsseaError(error) && error.retryable,
      });
      const vm = await orAborted(asked, end);
      await store.workloads.putSourceVm(workload.id, vm);
      return { vm, reachable: true };
    } catch (error) {
      if (!isOsseaError(error) && !end.aborted) throw error;
      logger.info(
        { detail: String(error), workload: workload.name },
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
