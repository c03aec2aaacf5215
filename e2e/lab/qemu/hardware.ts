/** How a disk is plugged in. */
export type DiskBus = 'virtio' | 'virtio-scsi' | 'ide' | 'sata' | 'nvme' | 'pvscsi' | 'lsi-sas';

export type NicModel = 'virtio' | 'e1000' | 'e1000e' | 'vmxnet3' | 'pcnet32' | 'rtl8139';

export interface MachineDisk {
  /** Unique in the machine; a letter, then letters, digits and dashes, at most 31 characters. */
  id: string;
  bus: DiskBus;
  /** A raw file, or the Unix socket of an NBD server. */
  source: { file: string } | { nbdSocket: string };
  /** As the guest sees it, at most 20 characters. */
  serial?: string;
}

export interface MachineNic {
  /** Unique in the machine; a letter, then letters, digits and dashes. */
  id: string;
  model: NicModel;
  mac: string;
  linkUp: boolean;
  /** Whether the guest gets out: it reaches loopback of this machine by its router's address. Else it only answers. */
  outward: boolean;
  /** Its /24 network's first three octets, with the router at `.1`, and what DHCP gives the guest. Default: qemu's own. */
  address?: { prefix: string; ip: string };
}

/**
 * A PC with the chipset that VMware shows, and KVM by default: 440FX, two IDE channels, 32 PCI slots; with UEFI, Q35, which has no IDE. Its first
 * disk boots.
 */
export interface MachineHardware {
  name: string;
  memoryBytes: number;
  disks: readonly MachineDisk[];
  nics: readonly MachineNic[];
  /** UEFI, by files of OVMF: its code, and its variables, which it writes. Default: BIOS. */
  efi?: { code: string; variables: string };
  /** Ports of the guest that are reached from loopback, over its first NIC. */
  forwardedPorts: readonly number[];
}

/** A value of qemu's JSON: of its options as of its control channel. */
export type Json = boolean | number | string | { readonly [key: string]: Json };

/** Buses that need a controller; the others are one device per disk, or part of the board. */
const controllers: Partial<Record<DiskBus, string>> = {
  'virtio-scsi': 'virtio-scsi-pci',
  pvscsi: 'pvscsi',
  'lsi-sas': 'mptsas1068',
  sata: 'ahci',
};

const nicDevices: Record<NicModel, string> = {
  virtio: 'virtio-net-pci',
  e1000: 'e1000',
  e1000e: 'e1000e',
  vmxnet3: 'vmxnet3',
  pcnet32: 'pcnet',
  rtl8139: 'rtl8139',
};

/** qemu's options for a machine. @throws Error for a disk that has no place on the board */
export function hardwareOptions(hardware: MachineHardware): string[] {
  const { memoryBytes, disks, nics, efi, forwardedPorts } = hardware;
  const wanted = new Set(disks.map(({ bus }) => bus));
  const devices: Json[] = [...wanted].flatMap((bus) => {
    const driver = controllers[bus];
    return driver === undefined ? [] : [{ driver, id: bus }];
  });
  const taken = new Map<DiskBus, number>();
  for (const [index, disk] of disks.entries()) {
    const nth = taken.get(disk.bus) ?? 0;
    taken.set(disk.bus, nth + 1);
    devices.push({ ...diskDevice(disk, nth), ...(index === 0 && { bootindex: 1 }) });
  }
  for (const { id, model, mac } of nics) {
    devices.push({ driver: nicDevices[model], id, netdev: `net-${id}`, mac });
  }
  return [
    // One CPU: interpreted, more cost more than they give.
    ...['-machine', efi ? 'q35' : 'pc', '-m', `${Math.floor(memoryBytes / 2 ** 20)}M`, '-smp', '1'],
    ...(efi ? flash(efi) : []),
    ...disks.flatMap((disk) => ['-blockdev', JSON.stringify(blockNode(disk))]),
    ...nics.flatMap((nic, index) => ['-netdev', network(nic, index === 0 ? forwardedPorts : [])]),
    ...devices.flatMap((device) => ['-device', JSON.stringify(device)]),
  ];
}

/** The firmware's two flash chips: code first. */
function flash({ code, variables }: NonNullable<MachineHardware['efi']>): string[] {
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${code}`],
    ...['-drive', `if=pflash,unit=1,format=raw,file=${variables}`],
  ];
}

/** The node of a disk's bytes, for `-blockdev` and `blockdev-add`. */
export function blockNode({ id, source }: MachineDisk): { [key: string]: Json } {
  const file: Json =
    'file' in source
      ? { driver: 'file', filename: source.file, discard: 'unmap' }
      : { driver: 'nbd', server: { type: 'unix', path: source.nbdSocket }, discard: 'unmap' };
  return { driver: 'raw', 'node-name': id, discard: 'unmap', file };
}

/** The device of a disk, the n-th (from 0) on its bus, for `-device` and `device_add`. @throws Error where the bus is full */
export function diskDevice(disk: MachineDisk, nth: number): { [key: string]: Json } {
  const { id, bus, serial } = disk;
  const common = { id, drive: id, ...(serial !== undefined && { serial }) };
  switch (bus) {
    case 'virtio':
      return { driver: 'virtio-blk-pci', ...common };
    case 'nvme':
      return { driver: 'nvme', serial: id, ...common };
    case 'ide':
      if (nth > 3) throw new Error(`no IDE channel is left for ${id}`);
      return { driver: 'ide-hd', bus: `ide.${Math.floor(nth / 2)}`, unit: nth % 2, ...common };
    case 'sata':
      return { driver: 'ide-hd', bus: `sata.${nth}`, ...common };
    default:
      return { driver: 'scsi-hd', bus: `${bus}.0`, 'scsi-id': nth, ...common };
  }
}

function network(nic: MachineNic, forwardedPorts: readonly number[]): string {
  const { id, outward, address } = nic;
  return [
    `user,id=net-${id}`,
    `restrict=${outward ? 'off' : 'on'}`,
    ...(address === undefined
      ? []
      : [`net=${address.prefix}.0/24`, `host=${address.prefix}.1`, `dhcpstart=${address.ip}`]),
    // Any free port.
    ...forwardedPorts.map((port) => `hostfwd=tcp:127.0.0.1:0-:${port}`),
  ].join(',');
}
