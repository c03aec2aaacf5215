import { type ErrorCode, OsseaError } from '../contract/index.ts';
import { child, text, typeOf, type XmlNode, type XmlValue } from './xml.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly retryable?: true;
}

/** vSphere's fault types and what they mean to people. What is not here is `vsphere.fault` with the server's own words. */
const meanings: Readonly<Record<string, Meaning>> = {
  InvalidLogin: {
    code: 'vsphere.invalid-login',
    remedy: 'Correct the user name (with its domain, such as @vsphere.local) or the password.',
  },
  NoPermission: {
    code: 'vsphere.no-permission',
    remedy: 'Give the account the privilege on this object, propagating from the datacenter.',
  },
  NotAuthenticated: { code: 'vsphere.not-authenticated', remedy: 'Log in again.', retryable: true },
  RestrictedVersion: {
    code: 'vsphere.restricted-version',
    remedy:
      'The licence of this ESXi host forbids changes through the API: assign another licence, or go through vCenter.',
  },
  ManagedObjectNotFound: {
    code: 'vsphere.not-found',
    remedy: 'Read the inventory again: the object was removed or moved.',
  },
  InvalidArgument: {
    code: 'vsphere.invalid-argument',
    remedy: 'Read the inventory again; if it happens again, report it with the log.',
  },
  FileFault: {
    code: 'vsphere.file-fault',
    remedy: 'Changed block tracking was reset; the disk is compared as a whole.',
  },
  FileNotFound: {
    code: 'vsphere.file-fault',
    remedy: 'See whether the files of the VM are all on its datastore.',
  },
  CannotAccessFile: {
    code: 'vsphere.file-fault',
    remedy: 'See whether the datastore is reachable from the host.',
  },
  FileLocked: {
    code: 'vsphere.file-fault',
    remedy: 'Another product holds the file, often a backup; try again when it has ended.',
    retryable: true,
  },
  TaskInProgress: {
    code: 'vsphere.task-failed',
    remedy: 'Another task works on the VM; it is tried again.',
    retryable: true,
  },
  ConcurrentAccess: {
    code: 'vsphere.task-failed',
    remedy: 'Another task works on the VM; it is tried again.',
    retryable: true,
  },
  InvalidState: { code: 'vsphere.task-failed', remedy: 'Look at the state of the VM in vCenter.' },
  InvalidPowerState: { code: 'vsphere.task-failed', remedy: 'Look at the power state of the VM in vCenter.' },
  ToolsUnavailable: {
    code: 'vsphere.task-failed',
    remedy: 'Start VMware Tools in the guest, or choose a way that does not need them.',
  },
  ApplicationQuiesceFault: {
    code: 'vsphere.quiesce-failed',
    remedy: 'Replicate without quiescing, or mend the VSS writers of the guest.',
  },
  FilesystemQuiesceFault: {
    code: 'vsphere.quiesce-failed',
    remedy: 'Replicate without quiescing, or see why VMware Tools cannot freeze the guest’s file systems.',
  },
  SnapshotFault: {
    code: 'vsphere.task-failed',
    remedy: 'Look at the snapshots and events of the VM in vCenter.',
  },
  TooManySnapshotLevels: {
    code: 'vsphere.task-failed',
    remedy: 'Remove snapshots of the VM: its chain is as long as vSphere allows.',
  },
  InsufficientResourcesFault: {
    code: 'vsphere.task-failed',
    remedy: 'Free resources on the host or the datastore.',
  },
  NoDiskSpace: {
    code: 'vsphere.task-failed',
    remedy: 'Free space on the datastore: a snapshot needs room for what the guest writes.',
  },
  NotSupported: { code: 'vsphere.task-failed', remedy: 'This VM or host does not support the operation.' },
  HostNotConnected: {
    code: 'vsphere.task-failed',
    remedy: 'Connect the ESXi host to vCenter again.',
    retryable: true,
  },
  HostCommunication: {
    code: 'vsphere.task-failed',
    remedy: 'See that vCenter reaches the ESXi host.',
    retryable: true,
  },
  Timedout: {
    code: 'vsphere.task-failed',
    remedy: 'The host is busy; it is tried again.',
    retryable: true,
  },
  RequestCanceled: { code: 'vsphere.task-failed', remedy: 'Someone cancelled the task in vCenter.' },
};

/** The fault of a SOAP answer: `detail` holds one element, whose type tells what happened. */
export function errorOfFault(fault: XmlNode, subject: string): OsseaError {
  const detail = child(fault, 'detail');
  const [name, content] = firstElement(detail);
  return errorOf(
    typeOf(content) || name.replace(/Fault$/, ''),
    content,
    text(fault, 'faultstring') ?? '',
    subject,
  );
}

/** The error of a task: a `LocalizedMethodFault`. */
export function errorOfTask(error: XmlValue | undefined, subject: string): OsseaError {
  const fault = child(error, 'fault');
  const known = errorOf(typeOf(fault), fault, text(error, 'localizedMessage') ?? '', subject);
  if (known.code !== 'vsphere.fault') return known;
  return new OsseaError('vsphere.task-failed', known.message, { remedy: known.remedy, value: known.value });
}

function errorOf(type: string, content: XmlValue | undefined, words: string, subject: string): OsseaError {
  const meaning = meanings[type];
  const said = words.trim().replace(/\.$/, '');
  const extra = detailOf(type, content);
  const message = `${subject}: ${[said || type || 'vCenter reported a fault', extra].filter(Boolean).join(' ')}.`;
  return new OsseaError(meaning?.code ?? 'vsphere.fault', message, {
    value: type || undefined,
    remedy: meaning?.remedy ?? 'Look at the tasks and events of the object in vCenter.',
    retryable: meaning?.retryable,
  });
}

/** The members that say what is meant: a privilege with its object, a property, a file. */
function detailOf(type: string, content: XmlValue | undefined): string {
  if (type === 'NoPermission')
    return `(privilege ${text(content, 'privilegeId')} on ${text(content, 'object')})`;
  if (type === 'ManagedObjectNotFound') return `(${text(content, 'obj')})`;
  const named = text(content, 'invalidProperty') ?? text(content, 'file');
  return named ? `(${named})` : '';
}

function firstElement(parent: XmlValue | undefined): [string, XmlValue | undefined] {
  if (typeof parent !== 'object' || Array.isArray(parent)) return ['', undefined];
  const name = Object.keys(parent).find((key) => key !== '#text' && !key.startsWith('@')) ?? '';
  return [name, child(parent, name)];
}
