import {
  type BootCheck,
  type BootProof,
  type CloudId,
  type Failover,
  OsseaError,
  type VirtualMachine,
} from '../../contract/index.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';

export interface BootProofRequest {
  readonly vmId: CloudId;
  readonly checks: readonly BootCheck[];
  /** How long the guest may take to pass them; guests that reboot at their first start get more. Seconds. */
  readonly patienceSeconds: number;
  /** What the guest is, for its patience. */
  readonly guest: Pick<VirtualMachine, 'guestId' | 'guestFullName'>;
}

/**
 * Waits until the VM runs and has passed its checks, or until the patience ends, and takes a picture of its console. The proof is in the failover's
 * record, and the picture kept, when this resolves, whether it passed or not. That there is no console is a reason, not a failure.
 * @throws OsseaError `cloudstack.*` where the cloud cannot be asked at all
 */
export async function proveBoot(
  _parts: WorkflowParts,
  _run: JobRun,
  _failover: Failover,
  _request: BootProofRequest,
  _signal: AbortSignal,
): Promise<BootProof> {
  throw new OsseaError('request.conflict', 'This agent cannot do that yet.', {
    remedy: 'Upgrade the agent.',
  });
}
