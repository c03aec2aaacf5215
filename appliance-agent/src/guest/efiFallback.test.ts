import { describe, expect, it } from 'vitest';
import { planEfiFallback } from './efiFallback.ts';

describe('pitfall 26: entries of the firmware do not move with the disks', () => {
  it('nothing is copied where the fallback is there, in any case', () => {
    expect(planEfiFallback(['EFI', 'efi/boot/bootx64.efi', 'EFI/debian/grubx64.efi'], 'debian')).toEqual([]);
  });

  it('a shim brings its GRUB and its key manager along', () => {
    const files = [
      'EFI/debian/shimx64.efi',
      'EFI/debian/grubx64.efi',
      'EFI/debian/mmx64.efi',
      'EFI/debian/grub.cfg',
    ];
    expect(planEfiFallback(files, 'debian')).toEqual([
      { from: '/EFI/debian/shimx64.efi', to: '/EFI/BOOT/BOOTX64.EFI' },
      { from: '/EFI/debian/grubx64.efi', to: '/EFI/BOOT/grubx64.efi' },
      { from: '/EFI/debian/mmx64.efi', to: '/EFI/BOOT/mmx64.efi' },
    ]);
  });

  it('GRUB or systemd-boot alone and Windows’ manager do as well', () => {
    const fallback = '/EFI/BOOT/BOOTX64.EFI';
    expect(planEfiFallback(['EFI/debian/grubx64.efi'], 'debian')).toEqual([
      { from: '/EFI/debian/grubx64.efi', to: fallback },
    ]);
    expect(planEfiFallback(['EFI/systemd/systemd-bootx64.efi'], undefined)).toEqual([
      { from: '/EFI/systemd/systemd-bootx64.efi', to: fallback },
    ]);
    expect(planEfiFallback(['EFI/Microsoft/Boot/bootmgfw.efi'], 'windows')).toEqual([
      { from: '/EFI/Microsoft/Boot/bootmgfw.efi', to: fallback },
    ]);
  });

  it('SUSE’s shim finds its GRUB, which it looks for as grub.efi and not as grubx64.efi', () => {
    const files = ['EFI/sles/shim.efi', 'EFI/sles/grub.efi', 'EFI/sles/MokManager.efi'];
    expect(planEfiFallback(files, 'sles')).toEqual([
      { from: '/EFI/sles/shim.efi', to: '/EFI/BOOT/BOOTX64.EFI' },
      { from: '/EFI/sles/grub.efi', to: '/EFI/BOOT/grub.efi' },
      { from: '/EFI/sles/MokManager.efi', to: '/EFI/BOOT/MokManager.efi' },
    ]);
  });

  it('Windows goes before what another system left', () => {
    const files = ['EFI/ubuntu/grubx64.efi', 'EFI/Microsoft/Boot/bootmgfw.efi'];
    expect(planEfiFallback(files, 'windows')).toEqual([
      { from: '/EFI/Microsoft/Boot/bootmgfw.efi', to: '/EFI/BOOT/BOOTX64.EFI' },
    ]);
  });

  it('the guest’s own distribution goes before others that left something', () => {
    const files = ['EFI/centos/grubx64.efi', 'EFI/redhat/grubx64.efi'];
    expect(planEfiFallback(files, 'rhel')).toEqual([
      { from: '/EFI/redhat/grubx64.efi', to: '/EFI/BOOT/BOOTX64.EFI' },
    ]);
  });

  it('it is told where there is nothing to make one of', () => {
    expect(planEfiFallback(['EFI/Dell/logs/diags.txt'], 'rhel')).toBeUndefined();
  });
});
