import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceKey } from '../../appliance-agent/src/contract/index.ts';
import { convertGuest, type GuestDisk, type GuestNic } from '../../appliance-agent/src/guest/conversion.ts';
import { QemuMachine } from '../lab/qemu/qemuMachine.ts';
import { BootedGuest, patienceMs } from './bootedGuest.ts';
import { debianGuest, sshPort } from './debianGuest.ts';
import { efiFile, efiRootOffset, makeEfiDisk, vendorLoader } from './efiDisk.ts';
import { GuestRoot, modulesPath, sha256 } from './guestRoot.ts';
import { timed } from './timed.ts';

const vm = {
  name: 'records-efi',
  firmware: 'efi',
  secureBoot: false,
  cpuCount: 1,
  memoryBytes: 512 * 2 ** 20,
  guestId: 'debian12_64Guest',
  guestFullName: 'Debian GNU/Linux 12 (64-bit)',
} as const;

const nic: GuestNic = {
  mac: '02:00:4c:9f:00:02',
  addresses: [{ address: '10.78.0.5', prefix: 24 }],
  gateway: '10.78.0.1',
  nameservers: ['10.78.0.53'],
  searchDomains: [],
  source: { mac: '00:50:56:9a:01:03', addresses: ['192.0.2.6'] },
};

/** It keeps what the guest has, by a name that only vSphere gives. */
const second: GuestNic = {
  mac: '02:00:4c:9f:00:03',
  addresses: [],
  nameservers: [],
  searchDomains: [],
  source: { mac: '00:50:56:9a:01:04', addresses: ['10.79.0.7'] },
};

let folder: string;
let disk: string;
let keyFile: string;
let root: GuestRoot;
let initrdBefore: string;
let disks: GuestDisk[];

beforeAll(async () => {
  const guest = await timed('the Debian guest is made, or was there', debianGuest);
  ({ keyFile } = guest);
  folder = await mkdtemp(join(tmpdir(), 'ossea-efi-'));
  disk = join(folder, 'disk.raw');
  await makeEfiDisk(guest.applianceDisk, disk, folder);
  root = new GuestRoot(folder, disk, efiRootOffset);
  await root.debugfs(['cd /boot', 'mkdir efi']);
  await root.giveVsphereLife({
    '/etc/fstab': 'LABEL=root / ext4 defaults 0 1\nLABEL=EFI /boot/efi vfat noauto 0 2\n',
    '/etc/systemd/network/10-lan.network':
      '[Match]\nMACAddress=00:50:56:9a:01:03\n\n[Network]\nAddress=192.0.2.6/24\n',
    '/etc/systemd/network/20-second.network': '[Match]\nName=ens224\n\n[Network]\nAddress=10.79.0.7/24\n',
  });
  initrdBefore = sha256(await root.initrd());
  disks = [{ devicePath: disk, key: DeviceKey.parse(2000), label: 'Hard disk 1' }];
}, patienceMs);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a Debian from vSphere that boots with UEFI', { timeout: 2 * patienceMs }, () => {
  it('pitfall 26: gets drivers, and a loader where the firmware looks without an entry', async () => {
    await expect(efiFile(disk, '/EFI/BOOT/BOOTX64.EFI')).rejects.toThrow();
    const result = await timed('converted', () =>
      convertGuest({
        vm,
        disks,
        workDir: join(folder, 'work'),
        bus: 'virtio-blk',
        addresses: [nic],
        others: [second],
        signal: new AbortController().signal,
        onLog: (line) => console.log(`          | ${line}`),
        onProgress: () => {},
      }),
    );
    expect(result).toMatchObject({ os: 'linux', firmware: 'efi', bootDiskKey: 2000 });
    expect(sha256(await efiFile(disk, '/EFI/BOOT/BOOTX64.EFI'))).toBe(
      sha256(await efiFile(disk, vendorLoader)),
    );
    expect(sha256(await root.initrd())).not.toBe(initrdBefore);
    expect((await root.file(modulesPath))?.toString()).toContain('virt-v2v');
  });

  it('boots on virtio by a firmware that knows nothing of it, with its static addresses, the new one and the old one', async () => {
    const variables = join(folder, 'variables.fd');
    await copyFile('/usr/share/OVMF/OVMF_VARS_4M.fd', variables);
    await using machine = await QemuMachine.start({
      name: 'converted-efi',
      memoryBytes: vm.memoryBytes,
      efi: { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables },
      disks: [{ id: 'root', bus: 'virtio', source: { file: disk } }],
      nics: [
        {
          ...{ id: 'nic', model: 'virtio', mac: nic.mac, linkUp: true, outward: true },
          address: { prefix: '10.78.0', ip: '10.78.0.5' },
        },
        { id: 'second', model: 'virtio', mac: second.mac, linkUp: true, outward: false },
      ],
      forwardedPorts: [sshPort],
    });
    await using guest = await timed('the converted guest boots', () => BootedGuest.reach(machine, keyFile));
    const addresses = await guest.command('busybox ip -o addr');
    expect(addresses).toContain('10.78.0.5/24');
    expect(addresses, 'the name that its configuration goes by').toMatch(/ens224 .*10\.79\.0\.7\/24/);
    expect(await guest.command('cat /proc/mounts')).toMatch(/^\/dev\/vda2 \/ /m);
    expect(await guest.command('ls /sys/firmware')).toContain('efi');
  });
});
