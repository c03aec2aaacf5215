import type { CloudId, ServiceOffering, VirtualMachine } from '../contract/index.ts';

type Size = Pick<VirtualMachine, 'cpuCount' | 'memoryBytes'>;

/** What speaks against an offering for a VM, in words; undefined where it fits. */
export function offeringShortfall(offering: ServiceOffering, vm: Size): string | undefined {
  if (offering.custom) return undefined;
  const short: string[] = [];
  if ((offering.cpuCount ?? 0) < vm.cpuCount) short.push(`${offering.cpuCount ?? 0} of ${vm.cpuCount} CPUs`);
  if ((offering.memoryBytes ?? 0) < vm.memoryBytes) {
    const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
    short.push(`${gib(offering.memoryBytes ?? 0)} of ${gib(vm.memoryBytes)} GiB memory`);
  }
  return short.length === 0 ? undefined : `Only ${short.join(' and ')}`;
}

/** The offering that fits a VM with the least to spare; one whose numbers are given at deployment where no other is large enough. */
export function suggestOffering(
  offerings: readonly ServiceOffering[],
  vm: Size,
  zoneId: CloudId | undefined,
): ServiceOffering | undefined {
  const there = offerings.filter(
    ({ zoneIds }) => zoneId === undefined || zoneIds === undefined || zoneIds.includes(zoneId),
  );
  const fitting = there
    .filter((offering) => !offering.custom && offeringShortfall(offering, vm) === undefined)
    .sort((a, b) => (a.cpuCount ?? 0) - (b.cpuCount ?? 0) || (a.memoryBytes ?? 0) - (b.memoryBytes ?? 0));
  return fitting[0] ?? there.find(({ custom }) => custom);
}
