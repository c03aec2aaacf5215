/** What a disk holds at the start. Content depends on the seed and the offset alone. */
export interface DiskFill {
  seed: number;
  /** Share of the disk's clusters that hold data; the others are holes. 0 to 1. */
  dataFraction: number;
  /**
   * `random` cannot be compressed, `text` can, `zeros` writes zeros into allocated blocks (a hole that the
   * allocation map does not know).
   */
  pattern?: 'random' | 'text' | 'zeros';
  /** Data and holes change at multiples of this. Default 1 MiB. */
  clusterBytes?: number;
}

export interface LabDiskSpec {
  /** Any multiple of 512. An image that is larger fails. */
  sizeBytes: number;
  /** Default thin. */
  provisioning?: 'thin' | 'thick' | 'eager-zeroed';
  /** Default: an empty disk. */
  fill?: DiskFill;
  /** Raw image file whose bytes the disk begins with, instead of a fill. Its holes stay holes. */
  imageFile?: string;
  /** Default persistent. Independent disks take no part in snapshots and have no CBT. */
  mode?: 'persistent' | 'independent_persistent' | 'independent_nonpersistent' | 'nonpersistent';
  sharing?: 'sharingNone' | 'sharingMultiWriter';
  /** A raw device mapping. Physical mode takes no part in snapshots. Default none. */
  rdm?: 'none' | 'virtual' | 'physical';
  /** Default pvscsi. Disks of one kind share a controller. */
  controller?: 'pvscsi' | 'lsilogic' | 'lsilogic-sas' | 'buslogic' | 'sata' | 'nvme' | 'ide';
  /** Default the first datastore. */
  datastore?: string;
}

export interface LabNicSpec {
  /** Name of a standard network or of a distributed port group. Default `VM Network`. */
  network?: string;
  /** Default vmxnet3. */
  adapter?: 'vmxnet3' | 'e1000' | 'e1000e' | 'pcnet32' | 'sriov';
  /** Default: a VMware address that depends on the VM's name. */
  mac?: string;
  /** As the guest's tools report them, such as `192.0.2.10/24`. */
  ipAddresses?: readonly string[];
  /** Default true. */
  connected?: boolean;
}

/** What the guest does to its disks. Between two snapshots every write is either wholly before or wholly after. */
export interface GuestActivity {
  /** Default 50. */
  writesPerSecond?: number;
  /** Largest write; lengths are random multiples of 512 up to it. Default 64 KiB. */
  maxWriteBytes?: number;
  /** Default: the vCenter's seed and the VM's name. */
  seed?: number;
  /** Share of operations that discard (UNMAP) a region instead of writing it. Default 0. */
  discardFraction?: number;
  /** Writes stay within this first share of each disk. Default 1. */
  workingSet?: number;
  /** Device keys of the disks to write to. Default: all that take part in snapshots. */
  disks?: readonly number[];
  /**
   * A log of numbered 512-byte records that the guest appends to one disk, one per write; see `readGuestLog`.
   * The random writes keep clear of the region.
   */
  log?: { disk: number; offset: number; maxRecords: number };
}

export interface LabVmSpec {
  /** Any characters; unique within the vCenter. */
  name: string;
  disks?: readonly LabDiskSpec[];
  nics?: readonly LabNicSpec[];
  /** Folder names below the datacenter's VM folder, such as `prod/web`. Made when missing. */
  folder?: string;
  /** Default bios. */
  firmware?: 'bios' | 'efi';
  secureBoot?: boolean;
  /** Which of `disks` the VM is told to boot from, behind its CD-ROM. Default: nothing is told. */
  bootDisk?: number;
  vtpm?: boolean;
  encrypted?: boolean;
  /** Default 2. */
  cpuCount?: number;
  coresPerSocket?: number;
  /** Default 2 GiB; a multiple of 1 MiB. */
  memoryBytes?: number;
  cpuHotAdd?: boolean;
  memoryHotAdd?: boolean;
  /** Such as `debian11_64Guest`, the default. */
  guestId?: string;
  guestFullName?: string;
  guestHostName?: string;
  /** Default running. */
  tools?: 'running' | 'notRunning' | 'notInstalled';
  /** Default 19. Below 7 there is no CBT. */
  hardwareVersion?: number;
  /** Default true. False: off until a reconfiguration and a stun. */
  changeTracking?: boolean;
  /** Default poweredOn. */
  powerState?: 'poweredOn' | 'poweredOff' | 'suspended';
  template?: boolean;
  annotation?: string;
  /** Each as `category: name`. Default none. */
  tags?: readonly string[];
  consolidationNeeded?: boolean;
  /** Devices that keep a VM from moving. */
  hostDevices?: readonly ('pci-passthrough' | 'usb')[];
  /** Names of foreign snapshots taken at the start, oldest first. */
  snapshots?: readonly string[];
  /** The guest that runs while the VM is on, from the start. */
  guest?: GuestActivity;
  /** Runs the VM in qemu while it is on, from its disks, which hold a system that boots by BIOS. Instead of `guest`. */
  machine?: {
    /** Ports of the guest that are reached from loopback; see `LabVm.machine`. Default none. */
    forwardedPorts?: readonly number[];
  };
}
