import type { DeviceKey, VirtualDisk } from '../contract/index.ts';
import { placeOf } from './devices.ts';
import { children, number, typeOf, type XmlValue } from './xml.ts';

/**
 * The disk that a VM is told to boot from: the first of its boot order (vSphere Web Services SDK, VirtualMachineBootOptions.bootOrder), else the
 * first of `bios.hddOrder`, such as `scsi0:1,scsi0:0`, which the BIOS setup and older clients write into ExtraConfig. Undefined where neither names a
 * disk that it has: the places decide then.
 * @param extraConfig with keys in lower case
 */
export function readBootDisk(
  bootOptions: XmlValue | undefined,
  extraConfig: ReadonlyMap<string, string>,
  disks: readonly VirtualDisk[],
): DeviceKey | undefined {
  for (const device of children(bootOptions, 'bootOrder')) {
    if (typeOf(device) !== 'VirtualMachineBootOptionsBootableDiskDevice') continue;
    const key = number(device, 'deviceKey');
    const disk = disks.find((each) => each.key === key);
    if (disk) return disk.key;
  }
  for (const place of (extraConfig.get('bios.hddorder') ?? '').split(',')) {
    const disk = disks.find((each) => placeOf(each) === place.trim().toLowerCase());
    if (disk) return disk.key;
  }
  return undefined;
}
