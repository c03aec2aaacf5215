import { type Failover, type FailoverVm, OsseaError } from '../../contract/index.ts';
import type { JobRun } from '../jobRun.ts';
import type { WorkflowParts } from '../parts.ts';
import type { TargetVmPlan } from './targetVmPlan.ts';

export {
  afterConversion,
  type PlannedDisk,
  type PlannedNic,
  planTargetVm,
  type TargetVmFacts,
  type TargetVmPlan,
} from './targetVmPlan.ts';

/**
 * Makes the VM of a plan, stopped, with its volumes in their places, or goes on with what an earlier call began: the VM is found again by the
 * failover's id. What is made is in the ledger before it is made. The failover's record has the VM when this resolves.
 * The volumes must be detached from the appliance.
 * @throws OsseaError `failover.vm`, `failover.mac-in-use`, `cloudstack.*`
 */
export async function makeTargetVm(
  _parts: WorkflowParts,
  _run: JobRun,
  _failover: Failover,
  _plan: TargetVmPlan,
  _signal: AbortSignal,
): Promise<FailoverVm> {
  throw unavailable();
}

/** Starts the failover's VM; resolves when CloudStack says that it runs, also where it did already. @throws OsseaError `cloudstack.*` */
export async function startTargetVm(
  _parts: WorkflowParts,
  _run: JobRun,
  _failover: Failover,
  _signal: AbortSignal,
): Promise<void> {
  throw unavailable();
}

export interface RemoveTargetVm {
  /** True: the volumes are taken out of the VM and stay, as a replica's must; false: they go with it, as a test's clones may. */
  readonly keepVolumes: boolean;
}

/**
 * Stops and destroys the failover's VM, wherever its making or an earlier removal had got to, and also where CloudStack shows it under another name: it
 * is found by its token. Resolves also when there is none. Volumes that stay are detached by then, and their records say so.
 * @throws OsseaError `cloudstack.*`
 */
export async function removeTargetVm(
  _parts: WorkflowParts,
  _run: JobRun,
  _failover: Failover,
  _options: RemoveTargetVm,
  _signal: AbortSignal,
): Promise<void> {
  throw unavailable();
}

function unavailable(): OsseaError {
  return new OsseaError('request.conflict', 'This agent cannot do that yet.', {
    remedy: 'Upgrade the agent.',
  });
}
