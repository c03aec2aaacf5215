import { MoRef, type SnapshotNode, type VirtualMachine } from '../contract/index.ts';
import { readBootDisk } from './bootDisk.ts';
import {
  type GuestAddresses,
  hasVtpm,
  type NetworkNames,
  readDevices,
  readDisks,
  readHostDevices,
  readNics,
} from './devices.ts';
import type { ObjectProperties } from './propertyCollector.ts';
import { boolean, children, number, text, type XmlValue } from './xml.ts';

/** Narrow paths: the whole of `config` would be ten times as much. */
export const vmPaths = [
  'name',
  'parent',
  'config.instanceUuid',
  'config.uuid',
  'config.template',
  'config.version',
  'config.firmware',
  'config.bootOptions',
  'config.guestId',
  'config.guestFullName',
  'config.annotation',
  'config.changeTrackingEnabled',
  'config.extraConfig',
  'config.keyId',
  'config.hardware.numCPU',
  'config.hardware.numCoresPerSocket',
  'config.hardware.memoryMB',
  'config.hardware.device',
  'capability.changeTrackingSupported',
  'guest.hostName',
  'guest.net',
  'guest.toolsRunningStatus',
  'guest.toolsVersionStatus2',
  'runtime.powerState',
  'runtime.connectionState',
  'runtime.bootTime',
  'runtime.host',
  'runtime.consolidationNeeded',
  'runtime.faultToleranceState',
  'snapshot.rootSnapshotList',
  'network',
  'datastore',
] as const;

/** Where a VM lies, which its own properties do not tell. */
export interface Place {
  readonly path: string;
  readonly datacenter: MoRef | undefined;
  readonly datacenterName: string | undefined;
}

export interface VmContext {
  readonly place: (parent: string | undefined, name: string) => Place;
  readonly networks: NetworkNames;
}

/** A VM's properties as the contract has them. */
export function readVm({ object, properties }: ObjectProperties, context: VmContext): VirtualMachine {
  const of = (path: (typeof vmPaths)[number]) => properties.get(path);
  const devices = readDevices(of('config.hardware.device'));
  const extraConfig = readExtraConfig(of('config.extraConfig'));
  const name = decodeName(text(of('name')) ?? object.value);
  const parent = text(of('parent'));
  const { path, datacenter, datacenterName } = context.place(parent, name);
  const bootTime = text(of('runtime.bootTime'));
  const host = text(of('runtime.host'));
  const guestHostName = text(of('guest.hostName'));
  const coresPerSocket = number(of('config.hardware.numCoresPerSocket'));
  const disks = readDisks(devices, extraConfig);
  const bootDiskKey = readBootDisk(of('config.bootOptions'), extraConfig, disks);
  return {
    moRef: object.value,
    name,
    instanceUuid: text(of('config.instanceUuid')) ?? '',
    biosUuid: text(of('config.uuid')) ?? '',
    isTemplate: boolean(of('config.template')) ?? false,
    powerState: readPowerState(text(of('runtime.powerState'))),
    connectionState: text(of('runtime.connectionState')) ?? 'unknown',
    cpuCount: number(of('config.hardware.numCPU')) ?? 0,
    memoryBytes: (number(of('config.hardware.memoryMB')) ?? 0) * 2 ** 20,
    firmware: text(of('config.firmware')) === 'efi' ? 'efi' : 'bios',
    secureBoot: boolean(of('config.bootOptions'), 'efiSecureBootEnabled') ?? false,
    vtpm: hasVtpm(devices),
    encrypted: of('config.keyId') !== undefined,
    guestId: text(of('config.guestId')) ?? '',
    guestFullName: text(of('config.guestFullName')) ?? '',
    toolsState: readToolsState(text(of('guest.toolsRunningStatus')), text(of('guest.toolsVersionStatus2'))),
    hardwareVersion: Number(/\d+/.exec(text(of('config.version')) ?? '')?.[0] ?? 0),
    changeTracking: boolean(of('config.changeTrackingEnabled')) ?? false,
    changeTrackingSupported: boolean(of('capability.changeTrackingSupported')) ?? true,
    consolidationNeeded: boolean(of('runtime.consolidationNeeded')) ?? false,
    faultToleranceOn: !['notConfigured', 'disabled', undefined].includes(
      text(of('runtime.faultToleranceState')),
    ),
    hostDevices: readHostDevices(devices),
    path,
    networks: readReferences(of('network')),
    datastores: readReferences(of('datastore')),
    disks,
    nics: readNics(devices, context.networks, readAddresses(of('guest.net'))),
    snapshots: readSnapshots(
      children(of('snapshot.rootSnapshotList'), 'VirtualMachineSnapshotTree'),
      undefined,
    ),
    annotation: text(of('config.annotation')) ?? '',
    tags: [],
    ...(bootTime && { bootTime }),
    ...(bootDiskKey !== undefined && { bootDiskKey }),
    ...(coresPerSocket !== undefined && { coresPerSocket }),
    ...(guestHostName && { guestHostName }),
    ...(host && { host: MoRef.parse(host) }),
    ...(parent && { folder: MoRef.parse(parent) }),
    ...(datacenter !== undefined && { datacenter }),
    ...(datacenterName !== undefined && { datacenterName }),
  };
}

/** vSphere writes `/`, `\` and `%` in names as %2f, %5c and %25 (vSphere Web Services SDK, ManagedEntity.name). */
export function decodeName(name: string): string {
  return name.replace(/%(2f|5c|25)/gi, (escaped) => decodeURIComponent(escaped));
}

/** A name as vSphere takes it: a percent sign that begins no escape is refused. */
export function encodeName(name: string): string {
  return name.replace(/[%/\\]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

/** A VM that does not tell is taken for one that runs. */
export function readPowerState(state: string | undefined): VirtualMachine['powerState'] {
  return state === 'poweredOff' || state === 'suspended' ? state : 'poweredOn';
}

function readToolsState(
  running: string | undefined,
  version: string | undefined,
): VirtualMachine['toolsState'] {
  if (running === 'guestToolsRunning' || running === 'guestToolsExecutingScripts') return 'running';
  if (version === 'guestToolsNotInstalled') return 'notInstalled';
  return running === 'guestToolsNotRunning' ? 'notRunning' : 'unknown';
}

function readExtraConfig(options: XmlValue | undefined): ReadonlyMap<string, string> {
  return new Map(
    children(options, 'OptionValue').map((option) => [
      (text(option, 'key') ?? '').toLowerCase(),
      text(option, 'value') ?? '',
    ]),
  );
}

function readAddresses(net: XmlValue | undefined): GuestAddresses {
  return new Map(
    children(net, 'GuestNicInfo').map((nic) => [
      number(nic, 'deviceConfigId') ?? -1,
      children(nic, 'ipAddress').flatMap((address) => text(address) ?? []),
    ]),
  );
}

/** MoRefs of an array of references. */
export function readReferences(array: XmlValue | undefined): MoRef[] {
  return children(array, 'ManagedObjectReference').flatMap((reference) => {
    const value = text(reference);
    return value ? [MoRef.parse(value)] : [];
  });
}

/** The tree of snapshots as a list, parents first. */
export function readSnapshots(trees: readonly XmlValue[], parent: MoRef | undefined): SnapshotNode[] {
  return trees.flatMap((tree) => {
    const moRef = MoRef.parse(text(tree, 'snapshot'));
    const node: SnapshotNode = {
      moRef,
      name: decodeName(text(tree, 'name') ?? ''),
      description: text(tree, 'description') ?? '',
      createdAt: text(tree, 'createTime') ?? '',
      ...(parent !== undefined && { parent }),
    };
    return [node, ...readSnapshots(children(tree, 'childSnapshotList'), moRef)];
  });
}
