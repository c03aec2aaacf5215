import type { Vm, Volume } from './model.ts';

/** What runs the VMs of a cloud. */
export interface Hypervisor extends AsyncDisposable {
  /** Powers a VM on with the volumes that are attached to it. @throws Error when it does not start */
  start(vm: Vm): Promise<void>;
  /** Shuts a VM down by its power button, or cuts its power where that is asked for or does not help. */
  stop(vm: Vm, forced: boolean): Promise<void>;
  reset(vm: Vm): Promise<void>;
  /** Plugs a volume into a VM, if it runs. @throws Error when no slot is free */
  plug(vm: Vm, volume: Volume): Promise<void>;
  /** Takes a volume out of a VM, if it runs. @throws Error when the guest does not give it back */
  unplug(vm: Vm, volume: Volume): Promise<void>;
}

/** VMs only pretend to run. */
export const pretence: Hypervisor = {
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  reset: () => Promise.resolve(),
  plug: () => Promise.resolve(),
  unplug: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
