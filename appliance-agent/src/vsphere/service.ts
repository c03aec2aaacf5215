import { type MoRef, OsseaError } from '../contract/index.ts';
import { type ManagedObject, managedObject, readReference } from './managedObject.ts';
import { readProperties } from './propertyCollector.ts';
import type { ServiceContent } from './serviceContent.ts';
import type { SoapSession } from './soapSession.ts';
import { waitForTask } from './tasks.ts';
import type { XmlInput, XmlValue } from './xml.ts';

/** A server that is logged in to, with its managers. */
export interface Service {
  readonly session: SoapSession;
  readonly content: ServiceContent;
}

export interface TaskOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Reads properties of a VM. @throws OsseaError `vsphere.not-found` where it is gone */
export function vmProperties(
  { session, content }: Service,
  vm: MoRef,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, XmlValue>> {
  return readProperties(session, content.collector, managedObject('VirtualMachine', vm), paths, signal);
}

/** Calls a method that makes a task, waits for it, and answers its result. See `waitForTask`. */
export async function runTask(
  service: Service,
  method: string,
  on: ManagedObject,
  members: { readonly [name: string]: XmlInput },
  options: TaskOptions,
): Promise<XmlValue | undefined> {
  const subject = `${method} of ${on.value}`;
  const task = readReference(await service.session.call(method, on, members, options.signal));
  if (!task) throw new OsseaError('vsphere.protocol', `vCenter answered ${subject} without a task.`);
  return waitForTask(service.session, service.content.collector, task, subject, options);
}

/** `runTask` on a VM. */
export function runVmTask(
  service: Service,
  method: string,
  vm: MoRef,
  members: { readonly [name: string]: XmlInput },
  options: TaskOptions,
): Promise<XmlValue | undefined> {
  return runTask(service, method, managedObject('VirtualMachine', vm), members, options);
}
