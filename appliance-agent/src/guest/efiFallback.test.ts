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

  it('GRUB or systemd-boot alone, Windows’ manager, and SUSE’s names do as well', () => {
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
    expect(planEfiFallback(['EFI/sles/shim.efi', 'EFI/sles/grub.efi'], 'sles')).toEqual([
      { from: '/EFI/sles/shim.efi', to: fallback },
      { from: '/EFI/sles/grub.efi', to: '/EFI/BOOT/grubx64.efi' },
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
