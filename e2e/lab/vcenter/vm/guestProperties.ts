import { type DataObject, vim } from '../soap/value.ts';
import type { VmView } from './vmView.ts';

export function guestFullName(vm: VmView): string {
  return vm.spec.guestFullName ?? 'Debian GNU/Linux 11 (64-bit)';
}

/** Whether the guest's tools answer now. */
export function toolsRun(vm: VmView): boolean {
  return vm.powerState === 'poweredOn' && (vm.spec.tools ?? 'running') === 'running';
}

/** What the guest's tools report, in the fields that `guest` and `summary.guest` share. */
function toolsState(vm: VmView): Record<string, string | undefined> {
  const installed = vm.spec.tools !== 'notInstalled';
  const running = toolsRun(vm);
  const stopped = installed ? 'toolsNotRunning' : 'toolsNotInstalled';
  return {
    toolsStatus: running ? 'toolsOk' : stopped,
    toolsVersionStatus: installed ? 'guestToolsUnmanaged' : 'guestToolsNotInstalled',
    toolsVersionStatus2: installed ? 'guestToolsUnmanaged' : 'guestToolsNotInstalled',
    toolsRunningStatus: running ? 'guestToolsRunning' : 'guestToolsNotRunning',
    ...(running && {
      guestId: vm.spec.guestId ?? 'debian11_64Guest',
      guestFullName: guestFullName(vm),
      hostName: vm.spec.guestHostName ?? vm.spec.name,
      ipAddress: vm.hardware.nics.flatMap((nic) => nic.ipAddresses)[0]?.split('/')[0],
    }),
  };
}

/** `summary.guest`. */
export function guestSummary(vm: VmView): DataObject {
  return vim('VirtualMachineGuestSummary', toolsState(vm));
}

/** `guest`. */
export function guestInfo(vm: VmView): DataObject {
  const running = toolsRun(vm);
  const windows = /^win/.test(vm.spec.guestId ?? '');
  return vim('GuestInfo', {
    ...toolsState(vm),
    ...(running && { toolsVersion: '12389', guestFamily: windows ? 'windowsGuest' : 'linuxGuest' }),
    net: running
      ? vm.hardware.nics.map((nic) =>
          guestNic(nic.network.name, nic.mac, nic.key, nic.connected, nic.ipAddresses),
        )
      : [],
    disk: running
      ? vm.disks.map((disk, index) =>
          vim('GuestDiskInfo', {
            diskPath: windows ? `${String.fromCharCode(67 + index)}:\\` : index === 0 ? '/' : `/data${index}`,
            capacity: disk.capacityBytes,
            freeSpace: disk.capacityBytes - disk.allocatedBytes(),
          }),
        )
      : [],
    guestState: running ? 'running' : 'notRunning',
    guestOperationsReady: running,
    interactiveGuestOperationsReady: false,
    guestStateChangeSupported: running,
  });
}

function guestNic(
  network: string,
  mac: string,
  key: number,
  connected: boolean,
  addresses: readonly string[],
): DataObject {
  return vim('GuestNicInfo', {
    network,
    ipAddress: addresses.map((address) => address.split('/')[0] ?? address),
    macAddress: mac,
    connected,
    deviceConfigId: key,
    ipConfig: vim('NetIpConfigInfo', {
      ipAddress: addresses.map((address) => {
        const [ip = '', prefix = '24'] = address.split('/');
        return vim('NetIpConfigInfoIpAddress', {
          ipAddress: ip,
          prefixLength: Number(prefix),
          state: 'preferred',
        });
      }),
    }),
  });
}
