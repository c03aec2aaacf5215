import type { ServiceOffering, VirtualMachine } from '../contract/index.ts';

/** What speaks against an offering for a VM, in words; undefined where it fits. */
export function offeringShortfall(
  offering: ServiceOffering,
  vm: Pick<VirtualMachine, 'cpuCount' | 'memoryBytes'>,
): string | undefined {
  if (offering.custom) return undefined;
  const short: string[] = [];
  if ((offering.cpuCount ?? 0) < vm.cpuCount) short.push(`${offering.cpuCount ?? 0} of ${vm.cpuCount} CPUs`);
  if ((offering.memoryBytes ?? 0) < vm.memoryBytes) {
    const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
    short.push(`${gib(offering.memoryBytes ?? 0)} of ${gib(vm.memoryBytes)} GiB memory`);
  }
  return short.length === 0 ? undefined : `Only ${short.join(' and ')}`;
}
