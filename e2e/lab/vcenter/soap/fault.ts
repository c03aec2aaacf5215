import { type DataObject, type Reference, type VimValue, vim } from './value.ts';
import { writeTyped } from './write.ts';

/** A fault of the API, thrown by a method or kept as a task's error. */
export class VimFault extends Error {
  override readonly name: string;
  readonly detail: DataObject;

  constructor(name: string, message: string, fields: Readonly<Record<string, VimValue | undefined>> = {}) {
    super(message);
    this.name = name;
    this.detail = vim(name, fields);
  }

  /** As a task's error or a missing property bears it. */
  localized(): DataObject {
    return vim('LocalizedMethodFault', { fault: this.detail, localizedMessage: this.message });
  }

  /** The `soapenv:Fault` element; the detail is named after the fault and typed, as vCenter does it. */
  toXml(): string {
    const detail = writeTyped(`${this.name}Fault`, this.detail, {
      kind: 'any',
      name: 'anyType',
      list: false,
    });
    const named = detail.replace(' ', ' xmlns="urn:vim25" ');
    const escaped = this.message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    return `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>${escaped}</faultstring><detail>${named}</detail></soapenv:Fault>`;
  }
}

export const notAuthenticated = (target: Reference): VimFault =>
  new VimFault('NotAuthenticated', 'The session is not authenticated.', {
    object: target,
    privilegeId: 'System.View',
  });

export const noPermission = (object: Reference, privilegeId: string): VimFault =>
  new VimFault('NoPermission', 'Permission to perform this operation was denied.', { object, privilegeId });

export const notFound = (obj: Reference): VimFault =>
  new VimFault(
    'ManagedObjectNotFound',
    `The object '${obj.type}:${obj.value}' has already been deleted or has not been completely created`,
    { obj },
  );

export const invalidArgument = (invalidProperty: string): VimFault =>
  new VimFault('InvalidArgument', `A specified parameter was not correct: ${invalidProperty}`, {
    invalidProperty,
  });

export const invalidProperty = (name: string): VimFault => new VimFault('InvalidProperty', '', { name });

export const notSupported = (): VimFault =>
  new VimFault('NotSupported', 'The operation is not supported on the object.');

export const fileFault = (file: string): VimFault =>
  new VimFault('FileFault', `Error caused by file ${file}`, { file });

export const invalidPowerState = (existingState: string, requestedState?: string): VimFault =>
  new VimFault(
    'InvalidPowerState',
    `The attempted operation cannot be performed in the current state (${existingState === 'poweredOn' ? 'Powered on' : 'Powered off'}).`,
    { requestedState, existingState },
  );

export const taskInProgress = (task: Reference): VimFault =>
  new VimFault('TaskInProgress', 'Another task is already in progress.', { task });
