import type { Workload } from '../../../appliance-agent/src/contract/index.ts';
import type { VmFacts } from '../../queries/inventory/vmFacts.ts';

/** A VM of the table. */
export interface VmRow extends VmFacts {
  /** Set where it is managed already. */
  readonly workload?: Workload;
}

/** The rows of an inventory; `workloads` tells which of the VMs are managed already. */
export function vmRows(vms: readonly VmFacts[], workloads: readonly Workload[]): readonly VmRow[] {
  if (workloads.length === 0) return vms;
  const managed = new Map(workloads.map((workload) => [workload.instanceUuid, workload]));
  return vms.map((vm) => {
    const workload = managed.get(vm.instanceUuid);
    return workload ? { ...vm, workload } : vm;
  });
}
