import { type Failover, type FailoverRemains, OsseaError } from '../../contract/index.ts';
import type { Effect } from '../../store/effects.ts';
import type { StoredVolume } from '../../store/schema.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';

/** One thing that exists of a failover, with what knows of it. */
export interface Remains {
  /** As it is shown, with what is to be done. */
  readonly shown: FailoverRemains;
  /** The ledger's entry; undefined for volumes. */
  readonly effect?: Effect | undefined;
  readonly volume?: StoredVolume | undefined;
}

/**
 * What exists of a failover outside, as the ledger and the volume records know it, and the cloud's own word for what may or may not have been made.
 * In the order in which it can be removed. Without credentials the records alone tell.
 */
export async function findRemains(
  _parts: WorkflowParts,
  _failover: Failover,
  _signal: AbortSignal,
): Promise<Remains[]> {
  throw unavailable();
}

/** Removes one thing, also where it is gone already. @throws OsseaError `cloudstack.*`, `volume.*` */
export async function removeRemains(
  _parts: WorkflowParts,
  _run: JobRun,
  _failover: Failover,
  _remains: Remains,
  _signal: AbortSignal,
): Promise<void> {
  throw unavailable();
}

function unavailable(): OsseaError {
  return new OsseaError('request.conflict', 'This agent cannot do that yet.', {
    remedy: 'Upgrade the agent.',
  });
}
