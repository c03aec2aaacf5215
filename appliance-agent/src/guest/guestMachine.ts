import type { DeviceKey } from '../contract/index.ts';

/** A disk of the guest as it lies on the appliance. */
export interface GuestDisk {
  /** A block device or a raw file, such as `/dev/disk/by-id/virtio-0123456789abcdef0123`. */
  readonly devicePath: string;
  /** Of the source's device: what results name the disk by. */
  readonly key: DeviceKey;
  /** The source's label, such as `Hard disk 1`. */
  readonly label: string;
  /** True for the disk that the source is known to boot from; undefined where nobody said. */
  readonly boot?: boolean | undefined;
}

/** What is known of the VM that the disks belong to. */
export interface GuestMachine {
  readonly name: string;
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** vSphere's, such as `debian12_64Guest`. */
  readonly guestId: string;
  readonly guestFullName: string;
}

/** Where the tools are; each by default is what the PATH has. */
export interface GuestTools {
  readonly virtV2vInPlace?: string | undefined;
  readonly guestfish?: string | undefined;
  /** The folder with `rhsrvany.exe`, which Windows guests need; default `/usr/share/virt-tools`. */
  readonly virtToolsDir?: string | undefined;
}
