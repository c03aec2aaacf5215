import { randomUUID } from 'node:crypto';
import type { VirtualDisk, VirtualMachine, Workload, WorkloadDisk } from '../contract/index.ts';
import type { DiskFacts } from '../store/workloads.ts';

/**
 * True where a disk of the VM is the one that we know: same key, same backing, and not smaller. A key alone may be given to another disk after
 * a removal, and a name changes with every snapshot (pitfalls 9 and 18). A disk without a backing UUID cannot be told from one that was put in
 * its place, so it must have kept its size.
 */
export function isSameDisk(known: WorkloadDisk, disk: VirtualDisk): boolean {
  if (known.key !== disk.key || known.backingUuid !== disk.backingUuid) return false;
  const grown = disk.backingUuid !== undefined && disk.capacityBytes > known.capacityBytes;
  return grown || disk.capacityBytes === known.capacityBytes;
}

/** The VM's disks with our ids: known ones keep theirs, others get new ones and are copied from the start. */
export function identifyDisks(
  known: readonly WorkloadDisk[],
  vm: Pick<VirtualMachine, 'disks'>,
): DiskFacts[] {
  return vm.disks.map((disk) => ({
    id: known.find((candidate) => isSameDisk(candidate, disk))?.id ?? randomUUID(),
    key: disk.key,
    backingUuid: disk.backingUuid,
    label: disk.label,
    capacityBytes: disk.capacityBytes,
  }));
}

/** The VM's disks as they are now, with what is known of those that are the same. */
export function currentDisks(workload: Workload, vm: Pick<VirtualMachine, 'disks'>): WorkloadDisk[] {
  return vm.disks.map((disk): WorkloadDisk => {
    const known = workload.disks.find((candidate) => isSameDisk(candidate, disk));
    if (known) return { ...known, capacityBytes: disk.capacityBytes };
    return {
      id: randomUUID(),
      key: disk.key,
      ...(disk.backingUuid !== undefined && { backingUuid: disk.backingUuid }),
      label: disk.label,
      capacityBytes: disk.capacityBytes,
    };
  });
}
