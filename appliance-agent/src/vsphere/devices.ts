import { DeviceKey, MoRef, type VirtualDisk, type VirtualNic } from '../contract/index.ts';
import { boolean, child, children, number, text, typeOf, type XmlValue } from './xml.ts';

const controllerKinds: readonly [RegExp, VirtualDisk['controllerKind']][] = [
  [/^VirtualIDEController$/, 'ide'],
  [/^VirtualAHCIController$|^VirtualSATAController$/, 'sata'],
  [/^VirtualNVMEController$/, 'nvme'],
  [/^ParaVirtualSCSIController$/, 'pvscsi'],
  [/^VirtualLsiLogicSASController$/, 'lsilogic-sas'],
  [/^VirtualLsiLogicController$/, 'lsilogic'],
  [/^VirtualBusLogicController$/, 'buslogic'],
];

const adapters: readonly [RegExp, VirtualNic['adapter']][] = [
  [/^VirtualVmxnet3/, 'vmxnet3'],
  [/^VirtualVmxnet/, 'vmxnet2'],
  [/^VirtualE1000e$/, 'e1000e'],
  [/^VirtualE1000$/, 'e1000'],
  [/^VirtualPCNet32$/, 'pcnet32'],
  [/^VirtualSriovEthernetCard$/, 'sriov'],
];

const backingKinds: Readonly<Record<string, VirtualDisk['backingKind']>> = {
  VirtualDiskFlatVer1BackingInfo: 'flat',
  VirtualDiskFlatVer2BackingInfo: 'flat',
  VirtualDiskSparseVer1BackingInfo: 'sparse',
  VirtualDiskSparseVer2BackingInfo: 'sparse',
  VirtualDiskSeSparseBackingInfo: 'se-sparse',
  VirtualDiskRawDiskMappingVer1BackingInfo: 'rdm',
  VirtualDiskRawDiskVer2BackingInfo: 'rdm',
};

const modes: readonly VirtualDisk['mode'][] = [
  'persistent',
  'nonpersistent',
  'undoable',
  'independent_persistent',
  'independent_nonpersistent',
  'append',
];

/** What a guest's tools tell of its networks, by device key. */
export type GuestAddresses = ReadonlyMap<number, readonly string[]>;

/** Names of networks by MoRef; distributed port groups by their key too. */
export type NetworkNames = ReadonlyMap<string, string>;

function pick<T>(table: readonly (readonly [RegExp, T])[], type: string): T | undefined {
  return table.find(([pattern]) => pattern.test(type))?.[1];
}

/** The devices of a VM's hardware. */
export function readDevices(hardware: XmlValue | undefined): readonly XmlValue[] {
  return children(hardware, 'VirtualDevice').length > 0
    ? children(hardware, 'VirtualDevice')
    : children(hardware, 'device');
}

/** The kind of a controller by its type, such as `ParaVirtualSCSIController`; undefined for one that bears no disks. */
export function controllerKindOf(type: string): VirtualDisk['controllerKind'] | undefined {
  return pick(controllerKinds, type);
}

/** The disks among a VM's devices, with the controllers that they hang on. */
export function readDisks(
  devices: readonly XmlValue[],
  extraConfig: ReadonlyMap<string, string>,
): VirtualDisk[] {
  const controllers = new Map(devices.map((device) => [number(device, 'key'), device]));
  return devices
    .filter((device) => typeOf(device) === 'VirtualDisk')
    .map((device) => readDisk(device, controllers.get(number(device, 'controllerKey')), extraConfig));
}

function readDisk(
  device: XmlValue,
  controller: XmlValue | undefined,
  extraConfig: ReadonlyMap<string, string>,
): VirtualDisk {
  const backing = child(device, 'backing');
  const fileName = text(backing, 'fileName') ?? '';
  const unitNumber = number(device, 'unitNumber') ?? 0;
  const controllerBus = number(controller, 'busNumber') ?? 0;
  const controllerKind = controllerKindOf(typeOf(controller)) ?? 'other';
  const backingUuid = text(backing, 'uuid');
  const datastore = text(backing, 'datastore');
  const changeId = text(backing, 'changeId');
  const capacityBytes = number(device, 'capacityInBytes') ?? (number(device, 'capacityInKB') ?? 0) * 1024;
  const mode = modes.find((known) => known === text(backing, 'diskMode')) ?? 'persistent';
  const compatibility = text(backing, 'compatibilityMode');
  const sharing = text(backing, 'sharing');
  const bus = text(controller, 'sharedBus');
  // Keys of ExtraConfig come in any case (Forklift MTV-4579).
  const tracked = extraConfig.get(`${placeOf({ controllerKind, controllerBus, unitNumber })}.ctkenabled`);
  return {
    key: DeviceKey.parse(number(device, 'key')),
    label: text(device, 'deviceInfo', 'label') ?? `Disk ${number(device, 'key')}`,
    fileName,
    baseFileName: baseOf(backing),
    capacityBytes,
    backingKind: backingKinds[typeOf(backing)] ?? 'other',
    thin: boolean(backing, 'thinProvisioned') ?? false,
    mode,
    rdm: compatibility === 'physicalMode' ? 'physical' : compatibility === 'virtualMode' ? 'virtual' : 'none',
    shared: sharing === 'sharingMultiWriter' || bus === 'virtualSharing' || bus === 'physicalSharing',
    encrypted: child(backing, 'keyId') !== undefined,
    controllerKey: DeviceKey.parse(number(device, 'controllerKey') ?? 0),
    controllerKind,
    controllerBus,
    unitNumber,
    ...(backingUuid && { backingUuid }),
    ...(datastore && { datastore: MoRef.parse(datastore) }),
    ...(changeId && { changeId }),
    ...(tracked !== undefined && { changeTracking: tracked.toLowerCase() === 'true' }),
  };
}

/** A disk's place as `.vmx` files name it, such as `scsi0:1`. */
export function placeOf({
  controllerKind,
  controllerBus,
  unitNumber,
}: Pick<VirtualDisk, 'controllerKind' | 'controllerBus' | 'unitNumber'>): string {
  const prefix = ['sata', 'nvme', 'ide'].includes(controllerKind) ? controllerKind : 'scsi';
  return `${prefix}${controllerBus}:${unitNumber}`;
}

/** The file at the bottom of the chain of snapshots. */
function baseOf(backing: XmlValue | undefined): string {
  let current = backing;
  for (let parent = child(current, 'parent'); parent !== undefined; parent = child(current, 'parent'))
    current = parent;
  return text(current, 'fileName') ?? '';
}

/** The network adapters among a VM's devices. */
export function readNics(
  devices: readonly XmlValue[],
  networks: NetworkNames,
  addresses: GuestAddresses,
): VirtualNic[] {
  return devices
    .filter((device) => child(device, 'macAddress') !== undefined)
    .map((device) => {
      const backing = child(device, 'backing');
      const network = text(backing, 'port', 'portgroupKey') ?? text(backing, 'network');
      const networkName = (network && networks.get(network)) ?? text(backing, 'deviceName');
      const key = number(device, 'key') ?? 0;
      return {
        key: DeviceKey.parse(key),
        label: text(device, 'deviceInfo', 'label') ?? `Network adapter ${key}`,
        mac: (text(device, 'macAddress') ?? '').toLowerCase(),
        adapter: pick(adapters, typeOf(device)) ?? 'other',
        connected: boolean(device, 'connectable', 'connected') ?? false,
        startConnected: boolean(device, 'connectable', 'startConnected') ?? false,
        ipAddresses: [...(addresses.get(key) ?? [])],
        ...(network && { network: MoRef.parse(network) }),
        ...(networkName && { networkName }),
      };
    });
}

/** Devices of the host that keep a VM from moving. */
export function readHostDevices(devices: readonly XmlValue[]): string[] {
  const kinds = devices.flatMap((device) => {
    const type = typeOf(device);
    if (type === 'VirtualPCIPassthrough') return ['pci-passthrough'];
    if (type === 'VirtualSriovEthernetCard') return ['sr-iov'];
    if (type === 'VirtualUSB') return ['usb'];
    return [];
  });
  return [...new Set(kinds)];
}

/** True where the VM has a virtual TPM. */
export function hasVtpm(devices: readonly XmlValue[]): boolean {
  return devices.some((device) => typeOf(device) === 'VirtualTPM');
}
