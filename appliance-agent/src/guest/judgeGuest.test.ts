import { describe, expect, it } from 'vitest';
import { DeviceKey } from '../contract/index.ts';
import type { GuestFilesystem, GuestInspection, GuestRoot } from './guestFacts.ts';
import { type Intention, judgeGuest } from './judgeGuest.ts';

const debian: GuestRoot = {
  device: '/dev/sda1',
  os: 'linux',
  distro: 'debian',
  product: 'Debian GNU/Linux 12 (bookworm)',
  majorVersion: 12,
  minorVersion: 5,
};
const windows: GuestRoot = {
  ...debian,
  device: '/dev/sda2',
  os: 'windows',
  distro: 'windows',
  product: 'Windows Server 2019',
  majorVersion: 10,
};

const gibibyte = 1024 ** 3;
const roomy: GuestFilesystem = {
  device: '/dev/sda1',
  type: 'ext4',
  mountpoint: '/',
  freeBytes: gibibyte,
  freeInodes: 10_000,
};
const ntfs: GuestFilesystem = {
  device: '/dev/sda2',
  type: 'ntfs',
  mountpoint: '/',
  freeBytes: gibibyte,
  ntfs: 'clean',
};

function found(root: GuestRoot | undefined, more: Partial<GuestInspection> = {}): GuestInspection {
  const filesystems = more.filesystems ?? [root?.os === 'windows' ? ntfs : roomy];
  return {
    roots: root ? [root] : [],
    root,
    mountpoints: new Map(
      filesystems.flatMap(({ mountpoint, device }) => (mountpoint ? [[mountpoint, device]] : [])),
    ),
    filesystems,
    dynamicVolumes: [],
    efiPartitions: [],
    bootDiskKey: DeviceKey.parse(2000),
    deviceNames: [],
    networkStack: 'ifupdown',
    selinux: false,
    ...more,
  };
}

const intention: Intention = {
  vm: { name: 'web-1', firmware: 'bios', guestId: 'debian12_64Guest' },
  kind: 'virt-v2v',
  bus: 'virtio-blk',
  virtioWinIso: '/isos/virtio-win.iso',
  addressCount: 0,
  blockDriverOption: true,
};

const rules = (inspection: GuestInspection, changes: Partial<Intention> = {}) =>
  judgeGuest(inspection, { ...intention, ...changes }).map(({ rule, severity }) => `${severity} ${rule}`);

describe('the judgement before a conversion', () => {
  it('finds nothing against an ordinary Debian', () => {
    expect(judgeGuest(found(debian), intention)).toEqual([]);
  });

  it.each([
    ['/', 149, ['critical guest.no-space']],
    ['/', 150, []],
    ['/boot', 49, ['critical guest.no-space']],
    ['/boot', 50, []],
    ['/home', 9, ['critical guest.no-space']],
    ['/home', 10, []],
  ])('wants room: %s with %i MiB gives %j', (mountpoint, mebibytes, expected) => {
    const small = { ...roomy, device: '/dev/sda5', mountpoint, freeBytes: mebibytes * 1024 ** 2 };
    const filesystems = mountpoint === '/' ? [small] : [roomy, small];
    expect(rules(found(debian, { filesystems }))).toEqual(expected);
  });

  it('counts /boot of its own apart from the root, and inodes where there are any', () => {
    const boot = { ...roomy, device: '/dev/sda5', mountpoint: '/boot' };
    const filesystems = [{ ...roomy, freeBytes: 100 * 1024 ** 2 }, boot];
    expect(rules(found(debian, { filesystems }))).toEqual([]);
    expect(rules(found(debian, { filesystems: [{ ...roomy, freeInodes: 99 }] }))).toEqual([
      'critical guest.no-space',
    ]);
  });

  it('tells the system from a Windows that is hibernated, dirty or damaged', () => {
    const of = (state: GuestFilesystem['ntfs']) =>
      rules(found(windows, { filesystems: [{ ...ntfs, ntfs: state }] })).filter(
        (rule) => !rule.startsWith('info'),
      );
    expect(of('clean')).toEqual([]);
    expect(of('hibernated')).toEqual(['critical guest.hibernated']);
    expect(of('damaged')).toEqual(['critical guest.unclean']);
    expect(of('unclean')).toEqual(['warning guest.unclean']);
  });

  it('wants drivers for Windows, and basic disks for its system', () => {
    expect(rules(found(windows), { virtioWinIso: undefined })).toContain('critical guest.no-drivers');
    expect(rules(found(windows), { firstBootService: false })).toContain('critical guest.tool-missing');
    expect(rules(found(debian), { firstBootService: false, virtioWinIso: undefined })).toEqual([]);
    expect(rules(found({ ...windows, device: '/dev/mapper/ldm_vol_x' }))).toContain(
      'critical guest.dynamic-disk',
    );
    expect(rules(found(windows, { dynamicVolumes: ['/dev/mapper/ldm_vol_data'] }))).toContain(
      'warning guest.dynamic-data-disk',
    );
  });

  it('pitfall 28: tells that Windows restarts several times', () => {
    const concerns = judgeGuest(found(windows), intention);
    expect(concerns.find(({ rule }) => rule === 'guest.windows-first-boot')?.summary).toContain('four times');
  });

  it('names LUKS and BitLocker rather than a missing system', () => {
    const luks = { device: '/dev/sda3', type: 'crypto_LUKS' };
    expect(rules(found(undefined, { filesystems: [luks] }))).toEqual(['critical guest.encrypted']);
    const bitlocker = { device: '/dev/sda3', type: 'BitLocker' };
    expect(rules(found(undefined, { filesystems: [bitlocker] }), { virtioWinIso: '/x' })).toEqual([
      'critical guest.encrypted',
    ]);
    expect(rules(found(undefined, { filesystems: [] }))).toEqual(['critical guest.no-root']);
  });

  it('asks which of several systems is meant, and refuses what virt-v2v does not know', () => {
    expect(rules(found(undefined, { roots: [debian, windows], filesystems: [] }))).toEqual([
      'critical guest.multi-boot',
    ]);
    expect(rules(found({ ...debian, distro: 'archlinux' }))).toEqual(['critical guest.unsupported']);
    expect(rules(found({ ...debian, os: 'freebsd', distro: 'freebsd' }))).toEqual([
      'critical guest.unsupported',
    ]);
  });

  it('refuses virtio-scsi where the tool prepares for virtio-blk only', () => {
    expect(rules(found(debian), { bus: 'virtio-scsi', blockDriverOption: false })).toEqual([
      'critical guest.unsupported',
    ]);
    expect(rules(found(debian), { bus: 'virtio-scsi' })).toEqual([]);
  });

  it('lets a guest without conversion be what it is', () => {
    const strange = found({ ...debian, distro: 'archlinux' }, { filesystems: [{ ...roomy, freeBytes: 0 }] });
    expect(rules(strange, { kind: 'none' })).toEqual([]);
    expect(rules(found(undefined, { filesystems: [] }), { kind: 'none' })).toEqual([]);
  });

  it('pitfall 26: tells that the fallback of UEFI is made, or that nothing boots', () => {
    const efi = { vm: { ...intention.vm, firmware: 'efi' } } as const;
    const partition = {
      device: '/dev/sda2',
      diskKey: DeviceKey.parse(2000),
      files: ['EFI/debian/grubx64.efi', 'EFI/debian/grub.cfg'],
    };
    const mounted = { ...roomy, device: '/dev/sda2', mountpoint: '/boot/efi', type: 'vfat' };
    const filesystems = [roomy, mounted];
    expect(rules(found(debian, { efiPartitions: [partition], filesystems }), efi)).toEqual([
      'info guest.efi-fallback',
    ]);
    expect(rules(found(debian, { efiPartitions: [partition] }), efi)).toContain('critical guest.boot-loader');
    const systemd = { ...partition, files: ['EFI/BOOT/BOOTX64.EFI', 'EFI/systemd/systemd-bootx64.efi'] };
    expect(rules(found(debian, { efiPartitions: [systemd], filesystems }), efi)).toEqual([
      'warning guest.boot-loader',
    ]);
    expect(rules(found(debian, { bootDiskKey: undefined }), efi)).toEqual(['warning guest.boot-disk']);
  });

  it('refuses static addresses that it could not write', () => {
    expect(rules(found(debian, { networkStack: undefined }), { addressCount: 1 })).toEqual([
      'critical guest.network',
    ]);
    expect(rules(found(undefined, { filesystems: [] }), { addressCount: 1, kind: 'none' })).toEqual([
      'critical guest.network',
    ]);
    expect(rules(found(windows), { addressCount: 1, kind: 'none' })).toContain('critical guest.network');
    expect(rules(found(windows), { addressCount: 1 })).not.toContain('critical guest.network');
  });
});
