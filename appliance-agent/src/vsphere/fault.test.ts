import { describe, expect, test } from 'vitest';
import { errorOfFault, errorOfTask } from './fault.ts';
import { child, parseXml, type XmlNode } from './xml.ts';

/** As vCenter writes a fault into a SOAP answer. */
function fault(type: string, content = '', words = 'The server said so.'): XmlNode {
  const detail = `<${type}Fault xmlns="urn:vim25" xsi:type="${type}">${content}</${type}Fault>`;
  return parsed(
    `<Fault><faultcode>ServerFaultCode</faultcode><faultstring>${words}</faultstring><detail>${detail}</detail></Fault>`,
    'Fault',
  );
}

/** As a task's `info.error` is written. */
const taskError = (type: string, content = '', words = 'The task said so.') =>
  parsed(
    `<val><fault xsi:type="${type}">${content}</fault><localizedMessage>${words}</localizedMessage></val>`,
    'val',
  );

function parsed(xml: string, root: string): XmlNode {
  const node = child(parseXml(xml), root);
  if (typeof node !== 'object' || !('fault' in node || 'detail' in node || 'faultstring' in node)) {
    throw new Error(`${xml} is no fault`);
  }
  return node;
}

describe('a fault of a call', () => {
  test.each([
    ['InvalidLogin', 'vsphere.invalid-login', false],
    ['NoPermission', 'vsphere.no-permission', false],
    ['NotAuthenticated', 'vsphere.not-authenticated', true],
    ['RestrictedVersion', 'vsphere.restricted-version', false],
    ['ManagedObjectNotFound', 'vsphere.not-found', false],
    ['InvalidArgument', 'vsphere.invalid-argument', false],
    ['FileFault', 'vsphere.file-fault', false],
    ['FileLocked', 'vsphere.file-fault', true],
    ['TaskInProgress', 'vsphere.task-failed', true],
    ['HostCommunication', 'vsphere.task-failed', true],
    ['NoDiskSpace', 'vsphere.task-failed', false],
  ] as const)('%s is %s', (type, code, retryable) => {
    const error = errorOfFault(fault(type), 'vcenter.example, Method');
    expect(error).toMatchObject({ code, retryable, value: type });
    expect(error.message).toMatch(/^vcenter\.example, Method: The server said so/);
    expect(error.remedy).toMatch(/^[A-Z].*\.$/);
  });

  test('what is not known keeps the words of the server', () => {
    expect(errorOfFault(fault('DvsFault'), 'vcenter.example, Method')).toMatchObject({
      code: 'vsphere.fault',
      message: 'vcenter.example, Method: The server said so.',
      value: 'DvsFault',
      retryable: false,
    });
  });

  test('what is meant is named: privilege and object, object, property, file', () => {
    const message = (type: string, content: string) => errorOfFault(fault(type, content), 'Method').message;
    expect(
      message(
        'NoPermission',
        '<object type="Folder">group-v3</object><privilegeId>VirtualMachine.State.CreateSnapshot</privilegeId>',
      ),
    ).toBe('Method: The server said so (privilege VirtualMachine.State.CreateSnapshot on group-v3).');
    expect(message('ManagedObjectNotFound', '<obj type="VirtualMachine">vm-7</obj>')).toContain('(vm-7)');
    expect(message('InvalidArgument', '<invalidProperty>startOffset</invalidProperty>')).toContain(
      '(startOffset)',
    );
    expect(message('FileFault', '<file>[ds] a/a-ctk.vmdk</file>')).toContain('([ds] a/a-ctk.vmdk)');
  });

  test("a fault without a type is told by its element's name, without words by its type", () => {
    const bare = parsed('<Fault><faultstring/><detail><InvalidLoginFault/></detail></Fault>', 'Fault');
    expect(errorOfFault(bare, 'Login')).toMatchObject({
      code: 'vsphere.invalid-login',
      message: 'Login: InvalidLogin.',
    });
  });

  test('a fault without a detail is told by its words', () => {
    const bare = parsed('<Fault><faultstring>Unable to parse the request</faultstring></Fault>', 'Fault');
    expect(errorOfFault(bare, 'Login')).toMatchObject({
      code: 'vsphere.fault',
      message: 'Login: Unable to parse the request.',
    });
  });
});

describe('the error of a task', () => {
  test('pitfall 7: a file fault stays one, so that the disk is compared instead', () => {
    const error = errorOfTask(taskError('FileFault', '<file>[ds] a/a.vmdk</file>'), 'CreateSnapshot of vm-1');
    expect(error).toMatchObject({ code: 'vsphere.file-fault', value: 'FileFault' });
    expect(error.message).toBe('CreateSnapshot of vm-1: The task said so ([ds] a/a.vmdk).');
  });

  test('what is not known is a failed task', () => {
    expect(errorOfTask(taskError('GenericVmConfigFault'), 'ReconfigVM of vm-1')).toMatchObject({
      code: 'vsphere.task-failed',
      message: 'ReconfigVM of vm-1: The task said so.',
    });
  });

  test('pitfall 20: a guest that would not be quiet is told with the way around', () => {
    expect(errorOfTask(taskError('ApplicationQuiesceFault'), 'CreateSnapshot of vm-1')).toMatchObject({
      code: 'vsphere.quiesce-failed',
      remedy: expect.stringContaining('without quiescing'),
    });
  });

  test('a task without an error that says why still says which task', () => {
    expect(errorOfTask(undefined, 'CreateSnapshot of vm-1')).toMatchObject({
      code: 'vsphere.task-failed',
      message: 'CreateSnapshot of vm-1: vCenter reported a fault.',
    });
  });
});
