import type { Job } from '../../../appliance-agent/src/contract/index.ts';

/** What has to be started for a job to be done again. */
export type Retry =
  | { readonly kind: 'replicate'; readonly workloadId: string }
  | { readonly kind: 'verify'; readonly workloadId: string; readonly mode: 'readback' | 'source' };

/**
 * How a job that failed or was cancelled is done again; undefined where it is not: while it goes on, after it succeeded,
 * and for a clean-up, which is planned anew.
 */
export function retryOf({ kind, state, workloadId, steps }: Job): Retry | undefined {
  if (workloadId === undefined || (state !== 'failed' && state !== 'cancelled')) return undefined;
  switch (kind) {
    case 'replicate':
      return { kind, workloadId };
    case 'verify':
      // A comparison with the source needs a snapshot, one with the evidence does not.
      return {
        kind,
        workloadId,
        mode: steps.some(({ name }) => name === 'snapshot') ? 'source' : 'readback',
      };
    case 'cleanup':
    case 'test-failover':
    case 'live-failover':
    case 'commit':
    case 'rollback':
    case 'failover-cleanup':
      return undefined;
  }
}
