import type { DeviceKey } from '../contract/index.ts';
import type { LinuxNetwork } from './network/linuxNetwork.ts';
import type { NetworkStack } from './network/networkStack.ts';

/** An operating system that was found on the disks. */
export interface GuestRoot {
  /** As libguestfs names it, such as `/dev/sda3` or `/dev/vg/root`; disks are counted in the order that they were given. */
  readonly device: string;
  /** `linux`, `windows`, `freebsd` and so on. */
  readonly os: string;
  /** Such as `debian`, `rhel`, `windows`. */
  readonly distro: string;
  /** For people, such as `Debian GNU/Linux 12 (bookworm)`. */
  readonly product: string;
  readonly majorVersion: number;
  readonly minorVersion: number;
}

export interface GuestFilesystem {
  readonly device: string;
  /** Such as `ext4`, `ntfs`, `swap`, `crypto_LUKS`, `BitLocker`, `unknown`. */
  readonly type: string;
  /** Of the chosen root; undefined where it is not part of it, or could not be mounted. */
  readonly mountpoint?: string | undefined;
  readonly freeBytes?: number | undefined;
  /** Undefined where the kind counts none. */
  readonly freeInodes?: number | undefined;
  /** Whether NTFS may be written: ntfs-3g.probe(8). */
  readonly ntfs?: 'clean' | 'unclean' | 'hibernated' | 'damaged' | undefined;
}

export interface EfiPartition {
  readonly device: string;
  readonly diskKey: DeviceKey;
  /** All files, from its root. */
  readonly files: readonly string[];
}

/** What was found on the disks of a guest. */
export interface GuestInspection {
  readonly roots: readonly GuestRoot[];
  /** The one to be converted; undefined where there is none, or nobody chose among several. */
  readonly root?: GuestRoot | undefined;
  /** Mount point to device, of the chosen root. */
  readonly mountpoints: ReadonlyMap<string, string>;
  readonly filesystems: readonly GuestFilesystem[];
  /** Volumes of Windows' Logical Disk Manager. */
  readonly dynamicVolumes: readonly string[];
  readonly efiPartitions: readonly EfiPartition[];
  readonly bootDiskKey?: DeviceKey | undefined;
  /** Names such as `/dev/sdb1` that `/etc/fstab` goes by. */
  readonly deviceNames: readonly string[];
  /** Of a Linux guest. */
  readonly network?: LinuxNetwork | undefined;
  readonly networkStack?: NetworkStack | undefined;
  /** Whether SELinux looks at labels. */
  readonly selinux: boolean;
}
