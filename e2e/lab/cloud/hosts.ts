import { uuidOf } from '../chaos/random.ts';
import { ApiError } from './apiError.ts';
import type { Vm } from './model.ts';
import type { CloudHostOptions } from './options.ts';
import type { Site } from './site.ts';

/** The same for a host of that name in every run. */
export function hostId(site: Site, name: string): string {
  return uuidOf(site.options.seed, `host ${name}`, 1);
}

/**
 * The first host that is up, bears the tags of the VM's offering and boots by its firmware.
 * @throws Error when there is none
 */
function chooseHost(
  hosts: readonly CloudHostOptions[],
  { serviceOffering, bootType, instanceName }: Vm,
): CloudHostOptions {
  const tags = (list: string | undefined): string[] => list?.split(',').map((tag) => tag.trim()) ?? [];
  const wanted = tags(serviceOffering.hostTags);
  const chosen = hosts.find(
    (host) =>
      (host.state ?? 'Up') === 'Up' &&
      wanted.every((tag) => tags(host.tags).includes(tag)) &&
      (bootType === 'Bios' || (host.uefi ?? true)),
  );
  if (chosen === undefined) throw new Error(`Unable to create a deployment for VM instance ${instanceName}`);
  return chosen;
}

/** Starts a VM on a host that may run it. @throws ApiError 533 when it does not start; it is stopped then */
export async function powerOn(site: Site, vm: Vm): Promise<void> {
  vm.state = 'Starting';
  try {
    vm.hostName = chooseHost(site.options.hosts, vm).name;
    await site.hypervisor.start(vm);
    vm.state = 'Running';
  } catch (error) {
    vm.state = 'Stopped';
    throw new ApiError('insufficientCapacity', `Unable to start ${vm.name}: ${String(error)}`);
  }
}
