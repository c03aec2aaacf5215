import { invalidArgument, invalidPowerState, VimFault } from '../soap/fault.ts';
import type { TypedArguments } from '../soap/request.ts';
import { isA } from '../soap/vimSchema.ts';
import { addDisk } from './buildVm.ts';
import type { Nic } from './hardware.ts';
import type { VirtualMachine } from './virtualMachine.ts';

/** ReconfigVM_Task: what migrations and their test stories need of it; anything else of the specification is ignored. */
export function reconfigure(vm: VirtualMachine, spec: TypedArguments, trackingBlockBytes: number): void {
  const name = spec.text('name');
  if (name !== undefined) rename(vm, name);
  const changeTracking = spec.flag('changeTrackingEnabled');
  if (changeTracking !== undefined) setChangeTracking(vm, changeTracking);
  const cpuCount = spec.number('numCPUs');
  const memoryMb = spec.number('memoryMB');
  if ((cpuCount !== undefined || memoryMb !== undefined) && vm.powerState !== 'poweredOff') {
    throw invalidPowerState(vm.powerState, 'poweredOff');
  }
  vm.hardware = {
    ...vm.hardware,
    annotation: spec.text('annotation') ?? vm.hardware.annotation,
    cpuCount: cpuCount ?? vm.hardware.cpuCount,
    memoryBytes: memoryMb === undefined ? vm.hardware.memoryBytes : memoryMb * 2 ** 20,
  };
  for (const [index, change] of spec.dataList('deviceChange').entries()) {
    const device = change.data('device');
    if (device === undefined) throw invalidArgument('spec.deviceChange.device');
    const operation = change.text('operation') ?? 'edit';
    if (isA(device.type, 'VirtualEthernetCard') && operation === 'edit') editNic(vm, device, index);
    else if (device.type === 'VirtualDisk')
      changeDisk(vm, device, operation, change.text('fileOperation'), trackingBlockBytes, index);
    else throw invalidDevice(index);
  }
  vm.touch();
}

/** Throws InvalidName. */
export function rename(vm: VirtualMachine, name: string): void {
  if (name === '' || name.length > 80)
    throw new VimFault('InvalidName', `The name '${name}' is not valid.`, { name });
  vm.name = decodeURIComponent(name.replaceAll(/%(?!25|2f|5c)/gi, '%25'));
  vm.touch();
}

function setChangeTracking(vm: VirtualMachine, enabled: boolean): void {
  if (enabled && (vm.spec.hardwareVersion ?? 19) < 7) throw invalidArgument('spec.changeTrackingEnabled');
  if (enabled && !vm.hardware.changeTrackingEnabled)
    vm.trackingEnabledUnderSnapshot = vm.snapshots.length > 0;
  vm.hardware = { ...vm.hardware, changeTrackingEnabled: enabled };
}

function editNic(vm: VirtualMachine, device: TypedArguments, index: number): void {
  const key = device.number('key');
  const connectable = device.data('connectable');
  if (!vm.hardware.nics.some((nic) => nic.key === key)) throw invalidDevice(index);
  const edited = (nic: Nic): Nic => ({
    ...nic,
    mac: device.text('macAddress') ?? nic.mac,
    startConnected: connectable?.flag('startConnected') ?? nic.startConnected,
    // A VM that is off has nothing to connect; the next start decides.
    connected:
      vm.powerState === 'poweredOn'
        ? (connectable?.flag('connected') ?? nic.connected)
        : (connectable?.flag('startConnected') ?? nic.connected),
  });
  vm.hardware = {
    ...vm.hardware,
    nics: vm.hardware.nics.map((nic) => (nic.key === key ? edited(nic) : nic)),
  };
}

function changeDisk(
  vm: VirtualMachine,
  device: TypedArguments,
  operation: string,
  fileOperation: string | undefined,
  trackingBlockBytes: number,
  index: number,
): void {
  const { hardware } = vm;
  const wanted = device.number('capacityInBytes') ?? (device.number('capacityInKB') ?? 0) * 1024;
  if (operation === 'add') {
    const controller =
      hardware.controllers.find(({ key }) => key === device.number('controllerKey')) ??
      hardware.controllers.find(({ kind }) => kind !== 'ide');
    if (controller === undefined || wanted <= 0) throw invalidDevice(index);
    const disk = addDisk(
      vm,
      hardware.disks,
      hardware.controllers,
      { sizeBytes: wanted, controller: controller.kind },
      trackingBlockBytes,
    );
    vm.hardware = { ...hardware, disks: [...hardware.disks, disk] };
    if (hardware.changeTrackingEnabled) disk.startChangeTracking(false);
    return;
  }
  const disk = hardware.disks.find(({ key }) => key === device.number('key'));
  if (disk === undefined) throw invalidDevice(index);
  if (operation === 'edit') {
    if (wanted > 0 && wanted !== disk.capacityBytes) vm.growDisk(disk.key, wanted);
    return;
  }
  vm.hardware = { ...hardware, disks: hardware.disks.filter((each) => each !== disk) };
  const inSnapshot = vm.snapshotObjects.some(({ facts }) => facts.hardware.disks.includes(disk));
  if (inSnapshot) return;
  if (fileOperation === 'destroy') disk.files.remove();
  else disk.files.close();
}

function invalidDevice(deviceIndex: number): VimFault {
  const fields = { property: `virtualDeviceSpec[${deviceIndex}]`, deviceIndex };
  return new VimFault('InvalidDeviceSpec', `Invalid configuration for device '${deviceIndex}'.`, fields);
}
