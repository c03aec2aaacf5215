import { describe, expect, it } from 'vitest';
import { knownToolError, toolError } from './toolError.ts';

/** As the tools print them. */
const texts: readonly (readonly [string, string, string])[] = [
  [
    'guest.no-root',
    'no operating system',
    'virt-v2v-in-place: error: inspection could not detect the source guest (or physical machine).\n\nAssuming that you are running virt-v2v/virt-p2v on a source which is supported (and not, for example, a blank disk), then this should not happen.\n\nNo root device found in this operating system image.',
  ],
  [
    'guest.hibernated',
    'hibernated',
    'virt-v2v-in-place: error: unable to mount the disk image for writing. This has probably happened because Windows Hibernation or Fast Restart is being used in this guest. You have to disable this (in the guest) in order to use virt-v2v.\n\nOriginal error message: mount: mount exited with status 14: The NTFS partition is in an unsafe state.',
  ],
  [
    'guest.hibernated',
    'Fast Startup',
    'libguestfs: error: mount: /dev/sda2 on / (options: ""): The disk contains an unclean file system (0, 0).\nMetadata kept in Windows cache, refused to mount.',
  ],
  [
    'guest.unclean',
    'not closed cleanly',
    'virt-v2v-in-place: error: filesystem was mounted read-only, even though we asked for it to be mounted read-write.  This usually means that the filesystem was not cleanly unmounted.',
  ],
  [
    'guest.unclean',
    '/dev/mapper/rhel-root',
    'virt-v2v-in-place: error: detected errors on the XFS filesystem on /dev/mapper/rhel-root',
  ],
  [
    'guest.encrypted',
    '/dev/sda3 is encrypted with LUKS',
    'virt-v2v-in-place: error: could not find key to open LUKS encrypted /dev/sda3.\n\nTry using --key on the command line.',
  ],
  [
    'guest.no-space',
    '/boot is too full (12.3 MB free < 50 MB needed)',
    'virt-v2v-in-place: error: not enough free space for conversion on filesystem ‘/boot’.  12.3 MB free < 50 MB needed',
  ],
  [
    'guest.no-space',
    '/ has too few free inodes (7 inodes available < 100 inodes needed)',
    'virt-v2v-in-place: error: not enough available inodes for conversion on filesystem ‘/’.  7 inodes available < 100 inodes needed',
  ],
  [
    'guest.unsupported',
    'linux/archlinux',
    'virt-v2v-in-place: error: virt-v2v is unable to convert this guest type (linux/archlinux)',
  ],
  [
    'guest.multi-boot',
    'several operating systems',
    '\n***\nDual- or multi-boot operating system detected.  Choose the root filesystem\nthat contains the main operating system from the list below:\n\n [1] /dev/sda1',
  ],
  [
    'guest.multi-boot',
    '/dev/sda9 was not found among /dev/sda1 /dev/sda2',
    'virt-v2v-in-place: error: root device /dev/sda9 not found.  Roots found were: /dev/sda1 /dev/sda2',
  ],
  [
    'guest.no-drivers',
    '10.0 x86_64 Server',
    'there are no virtio drivers available for this version of Windows (10.0 x86_64 Server).  virt-v2v looks for drivers in /usr/share/virtio-win\n\nThe guest will be configured to use slower emulated devices.',
  ],
  [
    'guest.tool-missing',
    '/usr/share/virt-tools',
    'virt-v2v-in-place: error: One of rhsrvany.exe or pvvxsvc.exe is missing in /usr/share/virt-tools.  One of them is required in order to install Windows firstboot scripts.',
  ],
  [
    'guest.tool-broken',
    'no Linux kernel',
    'supermin: failed to find a suitable kernel (host_cpu=x86_64).\n\nI looked for kernels in /boot and modules in /lib/modules.\nlibguestfs: error: /usr/bin/supermin exited with error status 1.',
  ],
  [
    'guest.tool-broken',
    'may not read the kernel',
    "cp: cannot open '/boot/vmlinuz-6.1.0-18-amd64' for reading: Permission denied\nlibguestfs: error: /usr/bin/supermin exited with error status 1.",
  ],
  [
    'guest.tool-broken',
    '/var/tmp on the appliance has only 512.0M free',
    'virt-v2v-in-place: error: insufficient free space in the conversion server temporary directory /var/tmp (512.0M).\n\nEither free up space in that directory',
  ],
  [
    'guest.tool-broken',
    'ended before it was up',
    'qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69\nlibguestfs: error: appliance closed the connection unexpectedly, see earlier error messages',
  ],
  [
    'guest.initramfs',
    'initial RAM disk',
    'virt-v2v-in-place: error: unable to rebuild initrd (/boot/initrd.img-6.1.0) because update-initramfs was not found in the guest',
  ],
  [
    'guest.boot-loader',
    'not mounted at /boot/efi',
    'virt-v2v-in-place: error: could not find bootloader mount point (/boot/efi/EFI): find0: /boot/efi/EFI: No such file or directory',
  ],
  [
    'guest.boot-loader',
    'boot loader',
    'virt-v2v-in-place: error: no kernels were found in the bootloader configuration.\n\nThis probably indicates that virt-v2v was unable to parse the bootloader configuration of this guest.',
  ],
  [
    'guest.failed',
    'open in another program',
    'qemu-nbd: Failed to blk_new_open \'/dev/vdb\': Failed to get "write" lock\nIs another process using the image [/dev/vdb]?',
  ],
];

describe('what the tools say', () => {
  it.each(texts)('%s: %s', (code, part, text) => {
    const error = toolError(text, 'web-1');
    expect(error.code).toBe(code);
    expect(error.message).toContain(part);
    expect(error.message).toMatch(/^web-1 cannot be prepared: [^\n$]+\.$/);
    expect(error.remedy).toMatch(/\w{3}/);
  });

  it('is repeated where nobody knows it, without the invitation to report bugs', () => {
    const text =
      'virt-v2v-in-place: error: something new\n\nIf reporting bugs, run virt-v2v-in-place with debugging enabled and include the complete output:\n\n  virt-v2v-in-place -v -x [...]\n';
    expect(knownToolError(text, 'web-1')).toBeUndefined();
    expect(toolError(text, 'web-1').message).toBe('web-1 cannot be prepared: something new.');
    expect(toolError('', 'web-1', 'guest.tool-broken')).toMatchObject({
      code: 'guest.tool-broken',
      message: 'web-1 cannot be prepared: the tool ended without a word.',
    });
  });
});
