import type { Concern, ConversionBus, ErrorCode, Severity } from '../contract/index.ts';
import { planEfiFallback } from './efiFallback.ts';
import type { GuestFilesystem, GuestInspection } from './guestFacts.ts';
import type { GuestMachine } from './guestMachine.ts';
import { guestFamily } from './guestTraits.ts';

export interface Intention {
  readonly vm: Pick<GuestMachine, 'name' | 'firmware' | 'guestId'>;
  readonly kind: 'virt-v2v' | 'none';
  readonly bus: ConversionBus;
  readonly virtioWinIso: string | undefined;
  /** `hasFirstBootService`; undefined where nobody looked. */
  readonly firstBootService?: boolean | undefined;
  /** How many adapters are to get static addresses. */
  readonly addressCount: number;
  /** `VirtV2v.blockDriverOption`; undefined where the tool is not known yet. */
  readonly blockDriverOption: boolean | undefined;
}

const mebibyte = 1024 ** 2;

/** virt-v2v(1), "Minimum free space check in the guest". */
const leastInodes = 100;

/** What virt-v2v converts: the distributions as libguestfs names them. */
const convertible = [
  ...[
    'fedora',
    'rhel',
    'centos',
    'circle',
    'scientificlinux',
    'redhat-based',
    'oraclelinux',
    'rocky',
    'almalinux',
  ],
  ...['sles', 'suse-based', 'opensuse', 'altlinux', 'debian', 'ubuntu', 'linuxmint', 'kalilinux'],
];

/**
 * What would go wrong when a guest is converted, and what a person should know before, the gravest first. Rules that are named like an error code
 * are what that error will be.
 */
export function judgeGuest(inspection: GuestInspection, intention: Intention): Concern[] {
  const concerns = [
    ...rootConcerns(inspection, intention),
    ...(intention.kind === 'virt-v2v' ? conversionConcerns(inspection, intention) : []),
    ...bootConcerns(inspection, intention),
    ...networkConcerns(inspection, intention),
  ];
  const gravity: Record<Severity, number> = { critical: 0, warning: 1, info: 2 };
  return concerns.toSorted((a, b) => gravity[a.severity] - gravity[b.severity]);
}

type Rule = ErrorCode | `guest.${string}`;

function concern(rule: Rule, severity: Severity, subject: string, summary: string, remedy: string): Concern {
  return { rule, severity, subject, summary, remedy };
}

function rootConcerns({ roots, root, filesystems }: GuestInspection, { vm, kind }: Intention): Concern[] {
  if (root || kind === 'none') return [];
  if (roots.length > 1) {
    const list = roots.map(({ device, product }) => `${device} (${product})`).join(', ');
    return [
      concern(
        'guest.multi-boot',
        'critical',
        vm.name,
        `Several operating systems were found: ${list}.`,
        'Choose the root of the one that is to run.',
      ),
    ];
  }
  // What is encrypted explains it, and is told by itself.
  if (filesystems.some(isEncrypted)) return [];
  const kinds = filesystems.map(({ device, type }) => `${device} ${type}`).join(', ') || 'nothing';
  return [
    concern(
      'guest.no-root',
      'critical',
      vm.name,
      `No operating system was found on the disks; there is ${kinds}.`,
      'Check that all disks of the VM are replicated and the point is not from a running Windows; or move the guest without conversion.',
    ),
  ];
}

function isEncrypted({ type }: GuestFilesystem): boolean {
  return type === 'crypto_LUKS' || type === 'BitLocker';
}

function conversionConcerns(inspection: GuestInspection, intention: Intention): Concern[] {
  const { vm, bus, blockDriverOption } = intention;
  const { root, filesystems } = inspection;
  const windows = root ? root.os === 'windows' : guestFamily(vm.guestId) === 'windows';
  const concerns = filesystems.flatMap((filesystem) => filesystemConcerns(filesystem, windows, inspection));
  if (bus === 'virtio-scsi' && blockDriverOption === false) {
    concerns.push(
      concern(
        'guest.unsupported',
        'critical',
        vm.name,
        'The virt-v2v on this appliance prepares guests for virtio-blk only.',
        'Choose virtio-blk, or install virt-v2v 2.4 or later.',
      ),
    );
  }
  if (root && root.os !== 'windows' && !convertible.includes(root.distro)) {
    concerns.push(
      concern(
        'guest.unsupported',
        'critical',
        vm.name,
        `virt-v2v does not know how to convert ${root.product} (${root.os}/${root.distro}).`,
        'Move the guest without conversion, on emulated hardware or with virtio drivers that it has.',
      ),
    );
  }
  if (root?.os === 'linux' && vm.firmware === 'efi') concerns.push(...efiLoaderConcerns(inspection, vm.name));
  return windows ? [...concerns, ...windowsConcerns(inspection, intention)] : concerns;
}

/** Where virt-v2v looks for GRUB's configuration when a guest boots by UEFI: its `linux_bootloaders.ml`. */
function efiLoaderConcerns({ efiPartitions, mountpoints }: GuestInspection, name: string): Concern[] {
  if (efiPartitions.length === 0) return [];
  if (!mountpoints.has('/boot/efi')) {
    return [
      concern(
        'guest.boot-loader',
        'critical',
        name,
        'An EFI system partition is there, but /etc/fstab does not mount it at /boot/efi, where virt-v2v looks for the boot loader.',
        'Add it to /etc/fstab in the guest, then replicate again; or move the guest without conversion.',
      ),
    ];
  }
  const grub = /\/(grub\.cfg|grub\.conf|menu\.lst)$/i;
  if (efiPartitions.some(({ files }) => files.some((file) => grub.test(file)))) return [];
  return [
    concern(
      'guest.boot-loader',
      'warning',
      name,
      'There is no configuration of GRUB on the EFI system partition, and virt-v2v knows no other boot loader.',
      'Run grub-install in the guest, then replicate again; or move the guest without conversion.',
    ),
  ];
}

function filesystemConcerns(
  filesystem: GuestFilesystem,
  windows: boolean,
  { mountpoints }: GuestInspection,
): Concern[] {
  const { device, type, mountpoint, freeBytes, freeInodes, ntfs } = filesystem;
  const subject = mountpoint ?? device;
  const concerns: Concern[] = [];
  if (isEncrypted(filesystem)) {
    const luks = type === 'crypto_LUKS';
    concerns.push(
      concern(
        'guest.encrypted',
        'critical',
        subject,
        `${device} is encrypted with ${luks ? 'LUKS' : 'BitLocker'}.`,
        luks
          ? 'Move the guest without conversion; with a key in a TPM add a passphrase first.'
          : 'Suspend BitLocker or decrypt the volume on the source, then replicate again.',
      ),
    );
  }
  if (ntfs === 'hibernated') {
    concerns.push(
      concern(
        'guest.hibernated',
        mountpoint === undefined ? 'warning' : 'critical',
        subject,
        'Windows is hibernated, or was shut down with Fast Startup.',
        'Turn both off in the guest with “powercfg /h off”, shut it down once, and replicate again.',
      ),
    );
  }
  if (ntfs === 'damaged' || ntfs === 'unclean') {
    concerns.push(
      concern(
        'guest.unclean',
        ntfs === 'damaged' && mountpoint !== undefined ? 'critical' : 'warning',
        subject,
        ntfs === 'damaged' ? 'The file system has errors.' : 'The file system was not closed cleanly.',
        ntfs === 'damaged'
          ? 'Run chkdsk in the guest, then replicate again.'
          : 'Its log is replayed; for a test a quiesced point is cleaner.',
      ),
    );
  }
  if (mountpoint === undefined) return concerns;
  const neededBytes = neededMebibytes(mountpoint, windows, mountpoints.has('/boot')) * mebibyte;
  if (freeBytes !== undefined && freeBytes < neededBytes) {
    const shown = (freeBytes / mebibyte).toFixed(1);
    concerns.push(
      concern(
        'guest.no-space',
        'critical',
        subject,
        `${shown} MiB are free, and ${neededBytes / mebibyte} MiB are needed.`,
        'Make room in the guest, then replicate again.',
      ),
    );
  }
  if (freeInodes !== undefined && freeInodes < leastInodes) {
    concerns.push(
      concern(
        'guest.no-space',
        'critical',
        subject,
        `${freeInodes} inodes are free, and ${leastInodes} are needed.`,
        'Remove files that nobody needs in the guest, then replicate again.',
      ),
    );
  }
  return concerns;
}

/** As virt-v2v counts: `/boot` gets a new initial RAM disk, the root drivers and agents, others next to nothing. */
function neededMebibytes(mountpoint: string, windows: boolean, ownBoot: boolean): number {
  if (mountpoint === '/boot') return 50;
  if (mountpoint !== '/') return 10;
  return windows || ownBoot ? 100 : 150;
}

function windowsConcerns(inspection: GuestInspection, intention: Intention): Concern[] {
  const { vm, virtioWinIso, firstBootService } = intention;
  const { root, dynamicVolumes } = inspection;
  const concerns: Concern[] = [];
  if (firstBootService === false) {
    concerns.push(
      concern(
        'guest.tool-missing',
        'critical',
        vm.name,
        'rhsrvany.exe, which runs scripts at the first boot of Windows, is missing on this appliance.',
        'Put it into /usr/share/virt-tools, or name its folder with OSSEA_VIRT_TOOLS_DIR; Fedora’s virt-v2v brings it.',
      ),
    );
  }
  if (virtioWinIso === undefined) {
    concerns.push(
      concern(
        'guest.no-drivers',
        'critical',
        vm.name,
        'Windows needs the virtio-win ISO, and none is configured.',
        'Put the ISO on the appliance and name it with OSSEA_VIRTIO_WIN_ISO, or move the guest without conversion.',
      ),
    );
  }
  if (root?.device.startsWith('/dev/mapper/ldm_')) {
    concerns.push(
      concern(
        'guest.dynamic-disk',
        'critical',
        root.device,
        'Windows itself lies on a dynamic disk.',
        'Move the guest without conversion, on emulated hardware, or make its system disk a basic one.',
      ),
    );
  } else if (dynamicVolumes.length > 0) {
    concerns.push(
      concern(
        'guest.dynamic-data-disk',
        'warning',
        dynamicVolumes.join(', '),
        'Data lies on dynamic disks.',
        'After the move open Disk Management and import them, should they show as foreign.',
      ),
    );
  }
  if (root && root.majorVersion < 6) {
    concerns.push(
      concern(
        'guest.old-windows',
        'warning',
        vm.name,
        `Recent virtio-win ISOs have no drivers for ${root.product}.`,
        'Use an ISO of its time, or move the guest without conversion, on emulated hardware.',
      ),
    );
  }
  concerns.push(
    concern(
      'guest.windows-first-boot',
      'info',
      vm.name,
      'Windows installs drivers at its first boot and may restart four times or more; its clock counts local time.',
      'Wait for it. Group policies or antivirus programs that forbid new devices lead to stop 0x7B: allow them first. With PowerShell’s policy AllSigned static addresses are not set.',
    ),
  );
  return concerns;
}

function bootConcerns(inspection: GuestInspection, { vm }: Intention): Concern[] {
  const { efiPartitions, bootDiskKey, root } = inspection;
  if (bootDiskKey === undefined) {
    return [
      concern(
        'guest.boot-disk',
        'warning',
        vm.name,
        vm.firmware === 'efi'
          ? 'No EFI system partition with a boot loader was found.'
          : 'No disk has a boot loader in its first sector.',
        'Check which disk the source boots from, and by BIOS or UEFI.',
      ),
    ];
  }
  if (vm.firmware !== 'efi') return [];
  return efiPartitions
    .filter(({ files }) => (planEfiFallback(files, root?.distro) ?? []).length > 0)
    .map(({ device }) =>
      concern(
        'guest.efi-fallback',
        'info',
        device,
        'The boot loader is found by an entry of the firmware only, which does not move with the disks.',
        'Nothing: \\EFI\\BOOT\\BOOTX64.EFI is made of it.',
      ),
    );
}

function networkConcerns(inspection: GuestInspection, { vm, kind, addressCount }: Intention): Concern[] {
  const { root, networkStack } = inspection;
  if (addressCount === 0) return [];
  const remedy = 'Leave the static addresses out, and set them in the guest after the move.';
  if (!root) {
    const summary = 'No operating system was found that static addresses could be written into.';
    // A conversion says more of it.
    return kind === 'none' ? [concern('guest.network', 'critical', vm.name, summary, remedy)] : [];
  }
  const carried =
    root.os === 'linux' ? networkStack !== undefined : root.os === 'windows' && kind === 'virt-v2v';
  if (carried) return [];
  return [
    concern(
      'guest.network',
      'critical',
      vm.name,
      root.os === 'windows'
        ? 'Without a conversion no static addresses are written into Windows.'
        : `It is not known how ${root.product} sets its network up.`,
      remedy,
    ),
  ];
}
