import type { MoRef, VirtualMachine } from '../contract/index.ts';
import { managedObject } from './managedObject.ts';
import { runVmTask, type Service, vmProperties } from './service.ts';
import { readPowerState } from './virtualMachine.ts';
import { text } from './xml.ts';

/** Longer than a busy host takes to start or stop a VM. */
const timeoutMs = 10 * 60_000;

export async function powerOn(service: Service, vm: MoRef, signal?: AbortSignal): Promise<void> {
  await runVmTask(service, 'PowerOnVM_Task', vm, {}, { timeoutMs, signal });
}

/** Without asking the guest. */
export async function powerOff(service: Service, vm: MoRef, signal?: AbortSignal): Promise<void> {
  await runVmTask(service, 'PowerOffVM_Task', vm, {}, { timeoutMs, signal });
}

/** Asks the guest, by its tools, and returns at once: the power state tells when it has followed. */
export async function shutdownGuest({ session }: Service, vm: MoRef, signal?: AbortSignal): Promise<void> {
  await session.call('ShutdownGuest', managedObject('VirtualMachine', vm), {}, signal);
}

export async function powerState(
  service: Service,
  vm: MoRef,
  signal?: AbortSignal,
): Promise<VirtualMachine['powerState']> {
  const properties = await vmProperties(service, vm, ['runtime.powerState'], signal);
  return readPowerState(text(properties.get('runtime.powerState')));
}

/** What shows that a VM ran, or was changed, between two looks at it. */
export interface PowerMark {
  readonly powerState: VirtualMachine['powerState'];
  /** Of the run that goes on; unset while the VM is off. */
  readonly bootTime: string | undefined;
  /** `config.changeVersion`, which every start and every change of the configuration raises; opaque. Undefined where a server has none. */
  readonly changeVersion: string | undefined;
}

/** Looks at a VM, to compare later whether it ran in between: a VM that is off tells nothing of an earlier start by its state alone. */
export async function powerMark(service: Service, vm: MoRef, signal?: AbortSignal): Promise<PowerMark> {
  const paths = ['runtime.powerState', 'runtime.bootTime', 'config.changeVersion'];
  const properties = await vmProperties(service, vm, paths, signal);
  return {
    powerState: readPowerState(text(properties.get('runtime.powerState'))),
    bootTime: text(properties.get('runtime.bootTime')),
    changeVersion: text(properties.get('config.changeVersion')),
  };
}
