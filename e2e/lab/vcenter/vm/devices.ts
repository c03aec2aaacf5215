import type { Layer } from '../disk/layer.ts';
import { type DataObject, vim } from '../soap/value.ts';
import type { LabVmSpec } from '../spec.ts';
import type { Controller, ControllerKind, Hardware, Nic } from './hardware.ts';
import type { VmDisk } from './vmDisk.ts';

/** A disk's state in the view of a moment. */
export interface DiskView {
  layer: Layer;
  capacityBytes: number;
  changeId: string | undefined;
}

/** `config.hardware.device`. */
export function deviceList(
  spec: LabVmSpec,
  hardware: Hardware,
  powerState: string,
  viewOf: (disk: VmDisk) => DiskView,
): DataObject[] {
  return [
    ...hardware.controllers.map((controller) => controllerDevice(controller, hardware.disks)),
    vim('VirtualPS2Controller', {
      key: 300,
      deviceInfo: info('PS2 controller 0'),
      busNumber: 0,
      device: [600, 700],
    }),
    vim('VirtualPCIController', {
      key: 100,
      deviceInfo: info('PCI controller 0'),
      busNumber: 0,
      device: [500, 12_000],
    }),
    vim('VirtualKeyboard', { key: 600, deviceInfo: info('Keyboard'), controllerKey: 300, unitNumber: 0 }),
    vim('VirtualPointingDevice', {
      key: 700,
      deviceInfo: info('Pointing device'),
      controllerKey: 300,
      unitNumber: 1,
    }),
    vim('VirtualMachineVideoCard', {
      key: 500,
      deviceInfo: info('Video card'),
      controllerKey: 100,
      unitNumber: 0,
    }),
    vim('VirtualMachineVMCIDevice', {
      key: 12_000,
      deviceInfo: info('VMCI device'),
      controllerKey: 100,
      unitNumber: 17,
    }),
    vim('VirtualCdrom', {
      key: 3002,
      deviceInfo: info('CD/DVD drive 1'),
      backing: vim('VirtualCdromRemotePassthroughBackingInfo', { deviceName: '', exclusive: false }),
      connectable: connectInfo(false, false, powerState),
      controllerKey: 201,
      unitNumber: 0,
    }),
    ...hardware.disks.map((disk) => diskDevice(disk, viewOf(disk))),
    ...hardware.nics.map((nic) => nicDevice(nic, powerState)),
    ...(spec.vtpm === true ? [vim('VirtualTPM', { key: 11_000, deviceInfo: info('Virtual TPM') })] : []),
    ...(spec.hostDevices ?? []).flatMap((kind) => hostDevice(kind)),
  ];
}

function info(label: string, summary = label): DataObject {
  return vim('Description', { label, summary });
}

function connectInfo(startConnected: boolean, connected: boolean, powerState: string): DataObject {
  return vim('VirtualDeviceConnectInfo', {
    startConnected,
    allowGuestControl: true,
    connected: connected && powerState === 'poweredOn',
    status: powerState === 'poweredOn' ? 'ok' : 'untried',
  });
}

/** The type of a controller and how people call it. */
export const controllerTypes: Record<ControllerKind, readonly [type: string, label: string]> = {
  pvscsi: ['ParaVirtualSCSIController', 'SCSI controller'],
  lsilogic: ['VirtualLsiLogicController', 'SCSI controller'],
  'lsilogic-sas': ['VirtualLsiLogicSASController', 'SCSI controller'],
  buslogic: ['VirtualBusLogicController', 'SCSI controller'],
  sata: ['VirtualAHCIController', 'SATA controller'],
  nvme: ['VirtualNVMEController', 'NVME controller'],
  ide: ['VirtualIDEController', 'IDE'],
};

function controllerDevice({ kind, key, bus }: Controller, disks: readonly VmDisk[]): DataObject {
  const [type, label] = controllerTypes[kind];
  const scsi = label.startsWith('SCSI');
  return vim(type, {
    key,
    deviceInfo: info(`${label} ${bus}`),
    ...(kind !== 'ide' && { controllerKey: 100, unitNumber: 3 + bus }),
    busNumber: bus,
    device: disks.filter((disk) => disk.place.controllerKey === key).map((disk) => disk.key),
    ...(scsi && { hotAddRemove: true, sharedBus: 'noSharing', scsiCtlrUnitNumber: 7 }),
  });
}

function diskDevice(disk: VmDisk, view: DiskView): DataObject {
  const { place } = disk;
  return vim('VirtualDisk', {
    key: disk.key,
    deviceInfo: info(disk.label, `${Math.floor(view.capacityBytes / 1024).toLocaleString('en-US')} KB`),
    backing: diskBacking(disk, view.layer, view.changeId),
    controllerKey: place.controllerKey,
    unitNumber: place.unitNumber,
    capacityInKB: Math.floor(view.capacityBytes / 1024),
    capacityInBytes: view.capacityBytes,
    shares: vim('SharesInfo', { shares: 1000, level: 'normal' }),
    diskObjectId: `${Number.parseInt(place.uuid.slice(0, 6), 16)}-${disk.key}`,
    nativeUnmanagedLinkedClone: false,
  });
}

function diskBacking(disk: VmDisk, layer: Layer, changeId: string | undefined): DataObject {
  const { spec, place } = disk;
  const common = {
    fileName: disk.pathOf(layer),
    datastore: place.datastore.ref,
    backingObjectId: '',
    diskMode: spec.mode ?? 'persistent',
    uuid: disk.backingUuid,
    ...(changeId !== undefined && { changeId }),
    ...(layer.parent !== undefined && { parent: diskBacking(disk, layer.parent, undefined) }),
    sharing: spec.sharing ?? 'sharingNone',
  };
  if (spec.rdm !== undefined && spec.rdm !== 'none') {
    return vim('VirtualDiskRawDiskMappingVer1BackingInfo', {
      ...common,
      lunUuid: `0200000000${place.uuid.replaceAll('-', '')}`,
      deviceName: `vml.0200000000${place.uuid.replaceAll('-', '')}`,
      compatibilityMode: spec.rdm === 'physical' ? 'physicalMode' : 'virtualMode',
    });
  }
  const provisioning = spec.provisioning ?? 'thin';
  return vim('VirtualDiskFlatVer2BackingInfo', {
    ...common,
    split: false,
    writeThrough: false,
    thinProvisioned: provisioning === 'thin',
    eagerlyScrub: provisioning === 'eager-zeroed',
    contentId: place.uuid.replaceAll('-', ''),
    digestEnabled: false,
    ...(layer.parent !== undefined && { deltaDiskFormat: 'redoLogFormat' }),
  });
}

const nicTypes: Record<Nic['adapter'], string> = {
  vmxnet3: 'VirtualVmxnet3',
  e1000: 'VirtualE1000',
  e1000e: 'VirtualE1000e',
  pcnet32: 'VirtualPCNet32',
  sriov: 'VirtualSriovEthernetCard',
};

function nicDevice(nic: Nic, powerState: string): DataObject {
  const { network } = nic;
  const backing =
    network.distributed === undefined
      ? vim('VirtualEthernetCardNetworkBackingInfo', {
          deviceName: network.name,
          useAutoDetect: false,
          network: network.ref,
          inPassthroughMode: false,
        })
      : vim('VirtualEthernetCardDistributedVirtualPortBackingInfo', {
          port: vim('DistributedVirtualSwitchPortConnection', {
            switchUuid: network.distributed.switchUuid,
            portgroupKey: network.distributed.portgroupKey,
            portKey: String(nic.key - 4000),
          }),
        });
  const summary =
    network.distributed === undefined ? network.name : `DVSwitch: ${network.distributed.switchUuid}`;
  return vim(nicTypes[nic.adapter], {
    key: nic.key,
    deviceInfo: info(nic.label, summary),
    backing,
    connectable: connectInfo(nic.startConnected, nic.connected, powerState),
    controllerKey: 100,
    unitNumber: nic.key - 4000 + 7,
    addressType: 'assigned',
    macAddress: nic.mac,
    wakeOnLanEnabled: true,
    uptCompatibilityEnabled: nic.adapter === 'vmxnet3',
  });
}

function hostDevice(kind: 'pci-passthrough' | 'usb'): DataObject[] {
  if (kind === 'usb') {
    return [
      vim('VirtualUSBController', {
        key: 7000,
        deviceInfo: info('USB controller'),
        busNumber: 0,
        device: [9000],
        ehciEnabled: true,
      }),
      vim('VirtualUSB', {
        key: 9000,
        deviceInfo: info('USB 1'),
        backing: vim('VirtualUSBUSBBackingInfo', { deviceName: 'path:1/0/0 version:2' }),
        controllerKey: 7000,
        connected: true,
      }),
    ];
  }
  return [
    vim('VirtualPCIPassthrough', {
      key: 13_000,
      deviceInfo: info('PCI device 0'),
      backing: vim('VirtualPCIPassthroughDeviceBackingInfo', {
        deviceName: 'Lab GPU',
        id: '0000:3b:00.0',
        deviceId: '1eb8',
        systemId: '5c0e0000-0000-0000-0000-000000000000',
        vendorId: 4318,
      }),
      controllerKey: 100,
    }),
  ];
}
