import { type DataObject, type VimValue, vim } from '../soap/value.ts';
import { fieldsOf } from '../soap/vimSchema.ts';
import { deviceList } from './devices.ts';
import { guestFullName, guestInfo, guestSummary } from './guestProperties.ts';
import { layoutEx, storageInfo, storageSummary } from './layout.ts';
import type { Snapshot } from './snapshot.ts';
import type { VmView } from './vmView.ts';

/** A property of a VM's own, undefined where it is unset or one that every entity has. */
export function vmProperty(vm: VmView, name: string): VimValue | undefined {
  switch (name) {
    case 'config':
      return configInfo(vm);
    case 'runtime':
      return runtimeInfo(vm);
    case 'guest':
      return guestInfo(vm);
    case 'summary':
      return summary(vm);
    case 'snapshot':
      return snapshotInfo(vm);
    case 'rootSnapshot':
      return rootSnapshots(vm).map((root) => root.ref);
    case 'layoutEx':
      return layoutEx(vm);
    case 'storage':
      return storageInfo(vm);
    case 'capability':
      return capability(vm);
    case 'datastore':
      return [...new Set(vm.disks.map((disk) => disk.place.datastore.ref))].concat(
        vm.disks.length === 0 ? [vm.places.datastore(undefined).ref] : [],
      );
    case 'network':
      return [...new Set(vm.hardware.nics.map((nic) => nic.network.ref))];
    case 'resourcePool':
      return vm.spec.template === true ? undefined : vm.places.resourcePool;
    case 'guestHeartbeatStatus':
      return vm.powerState === 'poweredOn' ? 'green' : 'gray';
    default:
      return undefined;
  }
}

/** Configuration of now, or of a snapshot's moment. */
export function configInfo(vm: VmView, moment?: Snapshot): DataObject {
  const { spec } = vm;
  const hardware = moment?.facts.hardware ?? vm.hardware;
  const vmx = vmxPath(vm);
  return vim('VirtualMachineConfigInfo', {
    changeVersion: new Date(1_700_000_000_000 + vm.changeVersion * 1000).toISOString(),
    modified: new Date(0),
    name: vm.name,
    guestFullName: guestFullName(vm),
    version: `vmx-${String(spec.hardwareVersion ?? 19).padStart(2, '0')}`,
    uuid: vm.biosUuid,
    instanceUuid: vm.instanceUuid,
    template: spec.template ?? false,
    guestId: spec.guestId ?? 'debian11_64Guest',
    alternateGuestName: '',
    annotation: hardware.annotation,
    files: vim('VirtualMachineFileInfo', {
      vmPathName: vmx,
      snapshotDirectory: directoryOf(vmx),
      suspendDirectory: directoryOf(vmx),
      logDirectory: directoryOf(vmx),
    }),
    tools: vim('ToolsConfigInfo', {
      toolsVersion: spec.tools === 'notInstalled' ? 0 : 12_389,
      toolsInstallType: 'guestToolsTypeOpenVMTools',
    }),
    flags: vim('VirtualMachineFlagInfo', { diskUuidEnabled: true, enableLogging: true }),
    defaultPowerOps: vim('VirtualMachineDefaultPowerOpInfo', {
      powerOffType: 'soft',
      defaultPowerOffType: 'soft',
    }),
    hardware: vim('VirtualHardware', {
      numCPU: hardware.cpuCount,
      numCoresPerSocket: hardware.coresPerSocket,
      memoryMB: Math.floor(hardware.memoryBytes / 2 ** 20),
      device: deviceList(spec, hardware, moment === undefined ? vm.powerState : 'poweredOff', (disk) => {
        const frozen = moment === undefined ? undefined : disk.files.layerOf(moment.ref.value);
        return {
          layer: frozen ?? disk.files.current,
          capacityBytes: moment?.facts.disks.get(disk.key)?.capacityBytes ?? disk.capacityBytes,
          changeId:
            moment === undefined ? disk.tracker?.currentId : moment.facts.disks.get(disk.key)?.changeId,
        };
      }),
    }),
    cpuAllocation: allocation(),
    memoryAllocation: allocation(),
    memoryHotAddEnabled: spec.memoryHotAdd ?? false,
    cpuHotAddEnabled: spec.cpuHotAdd ?? false,
    extraConfig: extraConfig(vm),
    bootOptions: vim('VirtualMachineBootOptions', {
      efiSecureBootEnabled: spec.secureBoot ?? false,
      ...bootOrder(vm),
      networkBootProtocol: 'ipv4',
    }),
    changeTrackingEnabled: hardware.changeTrackingEnabled,
    firmware: spec.firmware ?? 'bios',
    ...(spec.encrypted === true && {
      keyId: vim('CryptoKeyId', {
        keyId: vm.instanceUuid,
        providerId: vim('KeyProviderId', { id: 'lab-kms' }),
      }),
    }),
  });
}

function bootOrder({ spec, disks }: VmView): { bootOrder?: DataObject[] } {
  const disk = spec.bootDisk === undefined ? undefined : disks[spec.bootDisk];
  if (!disk) return {};
  return {
    bootOrder: [
      vim('VirtualMachineBootOptionsBootableCdromDevice', {}),
      vim('VirtualMachineBootOptionsBootableDiskDevice', { deviceKey: disk.key }),
    ],
  };
}

/** Per-disk flags appear once CBT has taken effect, spelled with other capitals on the second disk and after. */
function extraConfig(vm: VmView): DataObject[] {
  const entry = (key: string, value: string) => vim('OptionValue', { key, value });
  const disks = vm.disks.filter((disk) => disk.tracker !== undefined);
  return [
    entry('nvram', `${vm.name}.nvram`),
    ...(disks.length > 0 ? [entry('ctkEnabled', 'TRUE')] : []),
    ...disks.map((disk, index) => {
      const controller = vm.hardware.controllers.find(({ key }) => key === disk.place.controllerKey);
      const bus =
        controller === undefined || /sata|nvme|ide/.test(controller.kind) ? controller?.kind : 'scsi';
      const flag = index === 0 ? 'ctkEnabled' : 'CtkEnabled';
      return entry(`${bus}${controller?.bus ?? 0}:${disk.place.unitNumber}.${flag}`, 'TRUE');
    }),
  ];
}

function allocation(): DataObject {
  return vim('ResourceAllocationInfo', {
    reservation: 0,
    expandableReservation: false,
    limit: -1,
    shares: vim('SharesInfo', { shares: 1000, level: 'normal' }),
  });
}

function runtimeInfo(vm: VmView): DataObject {
  return vim('VirtualMachineRuntimeInfo', {
    host: vm.host.ref,
    connectionState: 'connected',
    powerState: vm.powerState,
    faultToleranceState: 'notConfigured',
    toolsInstallerMounted: false,
    bootTime: vm.bootTime,
    numMksConnections: 0,
    recordReplayState: 'inactive',
    onlineStandby: false,
    consolidationNeeded: vm.consolidationNeeded,
    maxCpuUsage: vm.hardware.cpuCount * 2400,
    maxMemoryUsage: Math.floor(vm.hardware.memoryBytes / 2 ** 20),
  });
}

function summary(vm: VmView): DataObject {
  return vim('VirtualMachineSummary', {
    vm: vm.ref,
    runtime: runtimeInfo(vm),
    guest: guestSummary(vm),
    config: vim('VirtualMachineConfigSummary', {
      name: vm.name,
      template: vm.spec.template ?? false,
      vmPathName: vmxPath(vm),
      memorySizeMB: Math.floor(vm.hardware.memoryBytes / 2 ** 20),
      cpuReservation: 0,
      memoryReservation: 0,
      numCpu: vm.hardware.cpuCount,
      numEthernetCards: vm.hardware.nics.length,
      numVirtualDisks: vm.disks.length,
      uuid: vm.biosUuid,
      instanceUuid: vm.instanceUuid,
      guestId: vm.spec.guestId ?? 'debian11_64Guest',
      guestFullName: guestFullName(vm),
      annotation: vm.hardware.annotation,
      tpmPresent: vm.spec.vtpm ?? false,
    }),
    storage: storageSummary(vm),
    quickStats: vim('VirtualMachineQuickStats', {
      overallCpuUsage: 0,
      guestMemoryUsage: 0,
      guestHeartbeatStatus: 'green',
    }),
    overallStatus: 'green',
  });
}

function snapshotInfo(vm: VmView): DataObject | undefined {
  if (vm.currentSnapshot === undefined && vm.snapshotObjects.length === 0) return undefined;
  return vim('VirtualMachineSnapshotInfo', {
    currentSnapshot: vm.currentSnapshot?.ref,
    rootSnapshotList: rootSnapshots(vm).map((root) => root.tree()),
  });
}

function rootSnapshots(vm: VmView): Snapshot[] {
  return vm.snapshotObjects.filter((snapshot) => snapshot.parent === undefined);
}

/** All that ESXi 8 can do; CBT needs hardware version 7. */
function capability(vm: VmView): DataObject {
  const fields: Record<string, VimValue> = {};
  for (const field of fieldsOf('VirtualMachineCapability')?.values() ?? []) {
    if (field.kind === 'primitive' && !field.list && !field.optional) fields[field.field] = true;
  }
  fields.changeTrackingSupported = (vm.spec.hardwareVersion ?? 19) >= 7;
  return vim('VirtualMachineCapability', fields);
}

/** Datastore path of the configuration file. */
function vmxPath(vm: VmView): string {
  const place = vm.disks[0]?.place;
  const folder = place?.folder ?? vm.spec.name;
  return `[${place?.datastore.name ?? vm.places.datastore(undefined).name}] ${folder}/${folder}.vmx`;
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
