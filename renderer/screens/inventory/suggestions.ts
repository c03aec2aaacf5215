import type {
  CloudDiscovery,
  CloudId,
  CloudNetwork,
  DiskOffering,
  ServiceOffering,
  TargetEndpoint,
  VirtualDisk,
  VirtualMachine,
  VirtualNic,
} from '../../../appliance-agent/src/contract/index.ts';
import { offeringShortfall } from '../../../appliance-agent/src/plan/offering.ts';

function offered(zoneIds: readonly CloudId[] | undefined, zoneId: CloudId | undefined): boolean {
  return zoneIds === undefined || zoneId === undefined || zoneIds.includes(zoneId);
}

/** What a fixed offering gives beyond the VM's need, as a share of the need; CPU and memory weigh the same. */
function waste(offering: ServiceOffering, vm: Pick<VirtualMachine, 'cpuCount' | 'memoryBytes'>): number {
  const over = (given: number | undefined, needed: number) => (given ?? 0) / Math.max(1, needed) - 1;
  return over(offering.cpuCount, vm.cpuCount) + over(offering.memoryBytes, vm.memoryBytes);
}

/**
 * The fixed offering of the zone that holds the VM's CPUs and memory with the least to spare; else a custom one, else
 * undefined.
 */
export function suggestServiceOffering(
  vm: Pick<VirtualMachine, 'cpuCount' | 'memoryBytes'>,
  offerings: readonly ServiceOffering[],
  zoneId: CloudId | undefined,
): ServiceOffering | undefined {
  const here = offerings.filter(({ zoneIds }) => offered(zoneIds, zoneId));
  let best: ServiceOffering | undefined;
  for (const offering of here) {
    if (offering.custom || offeringShortfall(offering, vm) !== undefined) continue;
    if (best === undefined || waste(offering, vm) < waste(best, vm)) best = offering;
  }
  return best ?? here.find(({ custom }) => custom);
}

/** The default if it fits, else an offering of any size, else the smallest that holds the disk. */
export function suggestDiskOffering(
  disk: Pick<VirtualDisk, 'capacityBytes'>,
  offerings: readonly DiskOffering[],
  zoneId: CloudId | undefined,
  defaultId: CloudId | undefined,
): DiskOffering | undefined {
  const fitting = offerings.filter(
    ({ custom, sizeBytes, zoneIds }) =>
      offered(zoneIds, zoneId) && (custom || (sizeBytes ?? 0) >= disk.capacityBytes),
  );
  return (
    fitting.find(({ id }) => id === defaultId) ??
    fitting.find(({ custom }) => custom) ??
    fitting.toSorted((a, b) => (a.sizeBytes ?? 0) - (b.sizeBytes ?? 0))[0]
  );
}

/** The network of the zone that bears the source network's name, else the default one. */
export function suggestNetwork(
  sourceName: VirtualNic['networkName'],
  networks: readonly CloudNetwork[],
  config: TargetEndpoint['config'],
): CloudNetwork | undefined {
  const here = networks.filter(({ zoneId }) => config.zoneId === undefined || zoneId === config.zoneId);
  const wanted = sourceName?.toLowerCase();
  return (
    here.find(({ name }) => name.toLowerCase() === wanted) ?? here.find(({ id }) => id === config.networkId)
  );
}

/** The discovery's parts that a mapping chooses from, in the zone that the target's defaults name. */
export function offeredIn(discovery: CloudDiscovery, zoneId: CloudId | undefined) {
  return {
    serviceOfferings: discovery.serviceOfferings.filter(({ zoneIds }) => offered(zoneIds, zoneId)),
    diskOfferings: discovery.diskOfferings.filter(({ zoneIds }) => offered(zoneIds, zoneId)),
    networks: discovery.networks.filter((network) => zoneId === undefined || network.zoneId === zoneId),
  };
}
export type Offered = ReturnType<typeof offeredIn>;
