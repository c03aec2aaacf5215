import { describe, expect, it } from 'vitest';
import { DeviceKey } from '../contract/index.ts';
import { type BootCandidate, chooseBootDisk } from './bootDisk.ts';

function sector({ code = '', active = false } = {}): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write(code, 100);
  if (active) bytes[446] = 0x80;
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

const disk = (key: number, candidate: Partial<BootCandidate> = {}): BootCandidate => ({
  key: DeviceKey.parse(key),
  bootSector: sector(),
  efiLoader: false,
  holdsBoot: false,
  declared: false,
  ...candidate,
});

describe('pitfall 26: the boot disk need not be the first', () => {
  it('it is the one with code in its boot sector', () => {
    const disks = [disk(2000), disk(2001, { bootSector: sector({ code: 'GRUB' }) })];
    expect(chooseBootDisk('bios', disks)).toBe(2001);
  });

  it('of several it is the one with /boot, then what the source says, then GRUB, then an active partition', () => {
    const windows = disk(2000, { bootSector: sector({ code: 'x', active: true }) });
    const grub = disk(2001, { bootSector: sector({ code: 'GRUB' }) });
    const declared = disk(2002, { bootSector: sector({ code: 'x' }), declared: true });
    const boot = disk(2003, { bootSector: sector({ code: 'x' }), holdsBoot: true });
    expect(chooseBootDisk('bios', [windows, grub, declared, boot])).toBe(2003);
    expect(chooseBootDisk('bios', [windows, grub, declared])).toBe(2002);
    expect(chooseBootDisk('bios', [windows, grub])).toBe(2001);
    expect(chooseBootDisk('bios', [disk(1999, { bootSector: sector({ code: 'x' }) }), windows])).toBe(2000);
  });

  it('under UEFI a loader in an EFI system partition counts, and no boot sector does', () => {
    const old = disk(2000, { bootSector: sector({ code: 'GRUB' }), declared: true, holdsBoot: true });
    expect(chooseBootDisk('efi', [old, disk(2001, { efiLoader: true })])).toBe(2001);
    expect(
      chooseBootDisk('efi', [
        disk(2000, { efiLoader: true }),
        disk(2001, { efiLoader: true, holdsBoot: true }),
      ]),
    ).toBe(2001);
  });

  it('it is unknown where no disk boots', () => {
    expect(
      chooseBootDisk('bios', [disk(2000), disk(2001, { bootSector: Buffer.alloc(12) })]),
    ).toBeUndefined();
    expect(chooseBootDisk('efi', [disk(2000, { bootSector: sector({ code: 'GRUB' }) })])).toBeUndefined();
  });
});
