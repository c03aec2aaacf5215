import { describe, expect, it } from 'vitest';
import { suggestOsType, targetHardware } from './targetHardware.ts';

const bios = { firmware: 'bios', secureBoot: false } as const;

describe('hardware of the target', () => {
  it('is virtio after a conversion', () => {
    const vm = { ...bios, guestId: 'debian12_64Guest' };
    expect(targetHardware(vm, { hardware: 'virtio-blk' })).toEqual({
      rootDiskController: 'virtio',
      dataDiskController: 'virtio',
      nicAdapter: 'virtio',
      firmware: 'bios',
    });
    expect(targetHardware(vm, { hardware: 'virtio-scsi' }).rootDiskController).toBe('scsi');
  });

  it('is SATA and e1000 for guests that boot as they are, and IDE for those that are too old for it', () => {
    const emulated = { hardware: 'emulated' } as const;
    expect(targetHardware({ ...bios, guestId: 'windows2019srv_64Guest' }, emulated)).toMatchObject({
      rootDiskController: 'sata',
      nicAdapter: 'e1000',
    });
    for (const guestId of [
      'winXPProGuest',
      'windows7Server64Guest',
      'rhel3_64Guest',
      'other24xLinux64Guest',
    ]) {
      expect(targetHardware({ ...bios, guestId }, emulated).rootDiskController).toBe('ide');
    }
    expect(targetHardware({ ...bios, guestId: 'rhel9_64Guest' }, emulated).rootDiskController).toBe('sata');
  });

  it('gives UEFI guests no IDE, which their machine type does not have, and keeps secure boot', () => {
    const vm = { firmware: 'efi', secureBoot: true, guestId: 'windows7Server64Guest' } as const;
    expect(targetHardware(vm, { hardware: 'emulated' })).toMatchObject({
      rootDiskController: 'sata',
      firmware: 'uefi-secure',
    });
    expect(targetHardware({ ...vm, secureBoot: false }, { hardware: 'virtio-blk' }).firmware).toBe('uefi');
  });
});

describe('the suggested OS type', () => {
  const names = [
    'CentOS 7.2 (64-bit)',
    'Debian GNU/Linux 11 (64-bit)',
    'Debian GNU/Linux 12 (32-bit)',
    'Debian GNU/Linux 12 (64-bit)',
    'Other (64-bit)',
    'Other Linux (64-bit)',
    'Red Hat Enterprise Linux 8.0',
    'Red Hat Enterprise Linux 8.4',
    'Red Hat Enterprise Linux 9.0',
    'Ubuntu 20.04 LTS',
    'Ubuntu 22.04 LTS',
    'Windows 10 (64-bit)',
    'Windows PV',
    'Windows Server 2016 (64-bit)',
    'Windows Server 2019 (64-bit)',
  ];
  const osTypes = names.map((name, index) => ({ id: String(index), name }));
  const suggest = (guestFullName: string, guestId: string, osProduct?: string) =>
    suggestOsType({ guestFullName, guestId, osProduct }, osTypes)?.name;

  it.each([
    ['Debian GNU/Linux 12 (64-bit)', 'debian12_64Guest', undefined, 'Debian GNU/Linux 12 (64-bit)'],
    ['Debian GNU/Linux 12 (32-bit)', 'debian12Guest', undefined, 'Debian GNU/Linux 12 (32-bit)'],
    [
      'Microsoft Windows Server 2019 (64-bit)',
      'windows2019srv_64Guest',
      undefined,
      'Windows Server 2019 (64-bit)',
    ],
    ['Microsoft Windows 10 (64-bit)', 'windows9_64Guest', undefined, 'Windows 10 (64-bit)'],
    ['Ubuntu Linux (64-bit)', 'ubuntu64Guest', 'Ubuntu 22.04.4 LTS', 'Ubuntu 22.04 LTS'],
    [
      'Other Linux (64-bit)',
      'otherLinux64Guest',
      'Red Hat Enterprise Linux 8.5 (Ootpa)',
      'Red Hat Enterprise Linux 8.4',
    ],
    ['Red Hat Enterprise Linux 8 (64-bit)', 'rhel8_64Guest', undefined, 'Red Hat Enterprise Linux 8.0'],
    ['Other 5.x Linux (64-bit)', 'other5xLinux64Guest', undefined, 'Other Linux (64-bit)'],
    ['Microsoft Windows Server 2025 (64-bit)', 'windows2022srvNext_64Guest', undefined, 'Windows PV'],
    ['Solaris 11 (64-bit)', 'solaris11_64Guest', undefined, 'Other (64-bit)'],
  ])('for %s (%s, %s) is %s', (fullName, guestId, product, expected) => {
    expect(suggest(fullName, guestId, product)).toBe(expected);
  });

  it('is none where the cloud lists nothing of the kind', () => {
    expect(suggestOsType({ guestFullName: 'Fedora', guestId: 'fedora64Guest' }, [])).toBeUndefined();
  });
});
