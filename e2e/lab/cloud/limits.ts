import { ApiError } from './apiError.ts';
import { type Account, gibibyte, type Volume } from './model.ts';
import type { CloudLimits } from './options.ts';
import { domainId, type Site } from './site.ts';

export const unlimited: CloudLimits = {
  vm: -1,
  volume: -1,
  snapshot: -1,
  network: -1,
  cpu: -1,
  memory: -1,
  primaryStorage: -1,
  secondaryStorage: -1,
};

/** What is counted against limits, with its number and name in the API (Resource.ResourceType). */
export const resources = [
  { type: 0, name: 'user_vm', limit: 'vm', account: 'vm' },
  { type: 2, name: 'volume', limit: 'volume', account: 'volume' },
  { type: 3, name: 'snapshot', limit: 'snapshot', account: 'snapshot' },
  { type: 6, name: 'network', limit: 'network', account: 'network' },
  { type: 8, name: 'cpu', limit: 'cpu', account: 'cpu' },
  { type: 9, name: 'memory', limit: 'memory', account: 'memory' },
  { type: 10, name: 'primary_storage', limit: 'primaryStorage', account: 'primarystorage' },
  { type: 11, name: 'secondary_storage', limit: 'secondaryStorage', account: 'secondarystorage' },
] as const satisfies { type: number; name: string; limit: keyof CloudLimits; account: string }[];

/** What an account uses, in the units of the limits. */
export function usageOf(site: Site, account: Account): CloudLimits {
  const own = <T extends { account: Account }>(things: ReadonlyMap<string, T>): T[] =>
    [...things.values()].filter((thing) => thing.account === account);
  const vms = own(site.vms).filter((vm) => vm.state !== 'Destroyed');
  const volumes = own(site.volumes).filter((volume) => volume.state !== 'Destroy');
  const snapshots = own(site.snapshots);
  const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
  return {
    vm: vms.length,
    volume: volumes.length,
    snapshot: snapshots.length,
    network: own(site.networks).length,
    cpu: sum(vms.map((vm) => vm.compute.cpuCount)),
    memory: sum(vms.map((vm) => vm.compute.memoryMib)),
    primaryStorage: sum(volumes.map(gibOf)),
    secondaryStorage: sum(snapshots.map((snapshot) => snapshot.sizeBytes / gibibyte)),
  };
}

/** The limits of an account; administrators have none. */
export function limitsOf(site: Site, account: Account): CloudLimits {
  return account.admin ? unlimited : site.options.limits;
}

/** @throws ApiError 535 when the account would exceed a limit */
export function checkLimits(site: Site, account: Account, wanted: Partial<CloudLimits>): void {
  const used = usageOf(site, account);
  const limits = limitsOf(site, account);
  for (const { limit, name } of resources) {
    const amount = wanted[limit] ?? 0;
    const most = limits[limit];
    if (amount > 0 && most >= 0 && used[limit] + amount > most) {
      throw new ApiError(
        'resourceAllocation',
        `Maximum amount of resources of Type = '${name}' for Account Name = ${account.name} in Domain Id = ${domainId} has been exceeded. Account Resource Limit = (${most}), Current Account Resource Amount = (${used[limit]}), Requested Resource Amount = (${amount}).`,
      );
    }
  }
}

function gibOf(volume: Volume): number {
  return volume.sizeBytes / gibibyte;
}
