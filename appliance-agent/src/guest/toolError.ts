import { type ErrorCode, OsseaError } from '../contract/index.ts';

interface KnownText {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  /** What happened; `$1` and so on are groups of the pattern. */
  readonly detail: string;
  readonly remedy: string;
  /** True where the same may succeed later without anybody's help. */
  readonly retryable?: boolean;
}

/**
 * What virt-v2v, libguestfs and the programs beneath them print, and what it means. The texts are those of virt-v2v 2.2 and later, of
 * libguestfs, ntfs-3g, supermin and QEMU; the first that fits counts, so causes stand before consequences.
 */
const knownTexts: readonly KnownText[] = [
  {
    pattern: /failed to find a suitable kernel|supermin: .*(?:\/boot|vmlinuz).*(?:No such file|not found)/i,
    code: 'guest.tool-broken',
    detail: 'libguestfs finds no Linux kernel on this appliance',
    remedy: 'Install a kernel in /boot, such as with: apt-get install linux-image-amd64',
  },
  {
    pattern: /supermin: .*(?:\/boot|vmlinuz)\S*: Permission denied|cp: cannot open '\/boot\/vmlinuz/i,
    code: 'guest.tool-broken',
    detail: 'libguestfs may not read the kernel in /boot',
    remedy:
      'Let the agent’s user read it: chmod 0644 /boot/vmlinuz-*, and dpkg-statoverride to keep it so over updates.',
  },
  {
    pattern: /cannot set up guest memory|Cannot allocate memory|Out of memory/i,
    code: 'guest.tool-broken',
    detail: 'the appliance has too little free memory for libguestfs',
    remedy: 'Convert fewer guests at a time, or give the appliance more memory: each takes 2.5 GiB.',
    retryable: true,
  },
  {
    pattern: /insufficient free space in the conversion server\s+temporary directory (\S+) \(([^)]+)\)/i,
    code: 'guest.tool-broken',
    detail: '$1 on the appliance has only $2 free',
    remedy: 'Make 1 GiB of room there.',
  },
  {
    pattern: /Failed to get "?(?:write|shared "?write"?)"? lock|Is another process using the image/i,
    code: 'guest.failed',
    detail: 'a disk is open in another program',
    remedy: 'Find out what has it open, with: fuser -v <device>. Then try again.',
    retryable: true,
  },
  {
    pattern: /One of rhsrvany\.exe or pvvxsvc\.exe is missing in (\S+?)\.?\s/i,
    code: 'guest.tool-missing',
    detail: 'rhsrvany.exe, which runs scripts at the first boot of Windows, is missing in $1',
    remedy:
      'Put rhsrvany.exe there; the package virt-v2v of Fedora and its relatives has it, and its source is public.',
  },
  {
    pattern: /cannot open virtio-win ISO file/i,
    code: 'guest.no-drivers',
    detail: 'the virtio-win ISO cannot be opened',
    remedy: 'Name a readable virtio-win ISO with OSSEA_VIRTIO_WIN_ISO.',
  },
  {
    pattern:
      /there (?:are|is) no virtio (?:drivers|block device driver|network driver) available for this version of Windows \(([^)]*)\)|there is no virtio (?:block device|network) driver for this version of Windows \(([^)]*)\)/i,
    code: 'guest.no-drivers',
    detail: 'the virtio-win ISO has no drivers for this Windows ($1$2)',
    remedy:
      'Name a virtio-win ISO that has them with OSSEA_VIRTIO_WIN_ISO (0.1.173 for Windows 7 and Server 2008 R2), or move the guest without conversion, on emulated hardware.',
  },
  {
    pattern: /could not find key to open LUKS encrypted (\S+?)\.?\s/i,
    code: 'guest.encrypted',
    detail: '$1 is encrypted with LUKS',
    remedy:
      'Move the guest without conversion; with a key that is typed at boot it comes up, with one in a TPM add a passphrase first.',
  },
  {
    pattern: /BitLocker|-FVE-FS-/i,
    code: 'guest.encrypted',
    detail: 'a volume is encrypted with BitLocker',
    remedy: 'Suspend BitLocker or decrypt the volume on the source, then replicate again.',
  },
  {
    pattern: /\/dev\/mapper\/ldm_|Logical Disk Manager|dynamic disk/i,
    code: 'guest.dynamic-disk',
    detail: 'Windows lies on a dynamic disk',
    remedy: 'Move the guest without conversion, on emulated hardware, or make its system disk a basic one.',
  },
  {
    pattern:
      /Windows Hibernation or\s+Fast Restart is being used|NTFS partition is in an unsafe state|Windows is hibernated|Metadata kept in Windows cache/i,
    code: 'guest.hibernated',
    detail: 'Windows is hibernated, or was shut down with Fast Startup',
    remedy: 'Turn both off in the guest with: powercfg /h off. Then shut it down once and replicate again.',
  },
  {
    pattern: /filesystem was mounted read-only|unclean file system|Falling back to read-only mount/i,
    code: 'guest.unclean',
    detail: 'the system’s NTFS was not closed cleanly',
    remedy:
      'Use a quiesced point for a test, or let the guest shut down for a failover; a point taken from a running Windows can be in this state.',
  },
  {
    pattern:
      /detected errors on the XFS filesystem on (\S+)|UNEXPECTED INCONSISTENCY|Structure needs cleaning|e2fsck: .*errors/i,
    code: 'guest.unclean',
    detail: 'a file system of the guest has errors $1',
    remedy: 'Check the file systems of the source with fsck or xfs_repair, then replicate again.',
  },
  {
    pattern:
      /not enough free space for conversion on filesystem [‘'"]([^’'"]+)[’'"]\.\s+([\d.]+ MB free < \d+ MB needed)/i,
    code: 'guest.no-space',
    detail: '$1 is too full ($2)',
    remedy: 'Make room in the guest, then replicate again.',
  },
  {
    pattern:
      /not enough available inodes for conversion on filesystem [‘'"]([^’'"]+)[’'"]\.\s+(\d+ inodes available < \d+ inodes needed)/i,
    code: 'guest.no-space',
    detail: '$1 has too few free inodes ($2)',
    remedy: 'Remove files that nobody needs in the guest, then replicate again.',
  },
  {
    pattern: /No space left on device/i,
    code: 'guest.no-space',
    detail: 'a file system of the guest is full',
    remedy: 'Make room in the guest, above all in /boot, then replicate again.',
  },
  {
    pattern: /Dual- or multi-boot operating system|multi-boot operating systems are not supported/i,
    code: 'guest.multi-boot',
    detail: 'several operating systems were found',
    remedy: 'Choose the root of the one that is to run.',
  },
  {
    pattern: /root device (\S+) not found\.\s+Roots found were: ([^\n]+)/i,
    code: 'guest.multi-boot',
    detail: 'the chosen root $1 was not found among $2',
    remedy: 'Choose one of those that were found.',
  },
  {
    pattern: /virt-v2v is unable to convert this guest type \(([^)]+)\)/i,
    code: 'guest.unsupported',
    detail: 'virt-v2v does not know how to convert $1',
    remedy: 'Move the guest without conversion, on emulated hardware or with virtio drivers that it has.',
  },
  {
    pattern: /only Xen kernels are installed in this guest/i,
    code: 'guest.unsupported',
    detail: 'only kernels for Xen are installed in the guest',
    remedy: 'Install an ordinary kernel in the guest, then replicate again.',
  },
  {
    pattern: /inspection of the package database failed|no installed kernel packages were found/i,
    code: 'guest.unsupported',
    detail: 'the package database of the guest cannot be read, or knows no kernel',
    remedy: 'Repair it in the guest (rpm --rebuilddb, dpkg --configure -a), then replicate again.',
  },
  {
    pattern: /not an installed operating system/i,
    code: 'guest.unsupported',
    detail: 'the disk holds an installer or a live system, not an installed one',
    remedy: 'Move the guest without conversion.',
  },
  {
    pattern: /could not find bootloader mount point \((\/boot\/efi)/i,
    code: 'guest.boot-loader',
    detail: 'the EFI system partition is not mounted at $1 by /etc/fstab',
    remedy: 'Add it to /etc/fstab in the guest, then replicate again; or move the guest without conversion.',
  },
  {
    pattern:
      /no kernels were found in the bootloader configuration|no bootloader detected|failed to find grub2-mkconfig|could not find bootloader mount point|didn't find grub entry for kernel/i,
    code: 'guest.boot-loader',
    detail: 'the boot loader’s configuration cannot be read',
    remedy:
      'Run grub-install and update-grub (or grub2-mkconfig) in the guest, then replicate again; or move it without conversion.',
  },
  {
    pattern:
      /unable to rebuild initrd|(?:dracut|mkinitrd|update-initramfs|mkinitramfs)\b[^\n]*(?:failed|not found|error)/i,
    code: 'guest.initramfs',
    detail: 'the initial RAM disk could not be made again',
    remedy:
      'Run update-initramfs -u or dracut -f in the guest and mend what it reports, then replicate again.',
  },
  {
    pattern: /No root device found|inspection could not detect the source guest/i,
    code: 'guest.no-root',
    detail: 'no operating system was found on the disks',
    remedy:
      'Check that all disks of the VM are replicated, none is encrypted, and the point is not from a running Windows; or move the guest without conversion.',
  },
  {
    pattern:
      /appliance closed the connection unexpectedly|appliance process .*(?:died|exited)|qemu-system\S*: /i,
    code: 'guest.tool-broken',
    detail: 'the VM of libguestfs ended before it was up',
    remedy: 'Run libguestfs-test-tool on the appliance, and look at what it says of QEMU and the kernel.',
  },
];

/**
 * What the words of a tool say went wrong with a guest.
 * @param fallback the code where no text is known; its detail is then the last line
 */
export function toolError(words: string, label: string, fallback: ErrorCode = 'guest.failed'): OsseaError {
  return knownToolError(words, label) ?? unknownToolError(words, label, fallback);
}

/** The same, but undefined where no text is known. */
export function knownToolError(words: string, label: string): OsseaError | undefined {
  for (const { pattern, code, detail, remedy, retryable } of knownTexts) {
    const match = pattern.exec(words);
    if (!match) continue;
    const what = detail.replace(/ ?\$(\d)/g, (placeholder, group: string) => {
      const found = match[Number(group)];
      return found ? placeholder.replace(/\$\d/, () => found) : '';
    });
    return new OsseaError(code, `${label} cannot be prepared: ${what}.`, { remedy, retryable });
  }
  return undefined;
}

/** The error for words that nobody knows. */
export function unknownToolError(words: string, label: string, code: ErrorCode): OsseaError {
  const last = lastWords(words) || 'the tool ended without a word';
  return new OsseaError(code, `${label} cannot be prepared: ${last}.`, {
    remedy: 'Look into the log of the conversion; “ossea-agent doctor” checks the tools on the appliance.',
  });
}

/** The last line that tells something, without the tool's name before it. */
function lastWords(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.replace(/^\S+: (?:error: )?/, '').trim())
    .filter((line) => line !== '' && !/^If reporting bugs|-v -x \[\.\.\.\]/.test(line));
  return (lines.at(-1) ?? '').slice(0, 300).replace(/\.$/, '');
}
