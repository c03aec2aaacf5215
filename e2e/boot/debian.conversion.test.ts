import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceKey } from '../../appliance-agent/src/contract/index.ts';
import {
  type ConversionResult,
  convertGuest,
  type GuestDisk,
  type GuestNic,
  type GuestProgress,
} from '../../appliance-agent/src/guest/conversion.ts';
import { inspectGuest } from '../../appliance-agent/src/guest/inspection.ts';
import { judgeGuest } from '../../appliance-agent/src/guest/judgeGuest.ts';
import { QemuMachine } from '../lab/qemu/qemuMachine.ts';
import { BootedGuest, patienceMs } from './bootedGuest.ts';
import { debianGuest, partitionOffset, sshPort } from './debianGuest.ts';
import { GuestRoot, modulesPath, sha256 } from './guestRoot.ts';
import { timed } from './timed.ts';

const run = promisify(execFile);
const mebibyte = 2 ** 20;

const vm = {
  name: 'records & "more"',
  firmware: 'bios',
  secureBoot: false,
  cpuCount: 1,
  memoryBytes: 512 * mebibyte,
  guestId: 'debian12_64Guest',
  guestFullName: 'Debian GNU/Linux 12 (64-bit)',
} as const;

const nic: GuestNic = {
  mac: '02:00:4c:9f:00:01',
  addresses: [
    { address: '10.77.0.5', prefix: 24 },
    { address: '10.77.0.6', prefix: 24 },
    { address: '2001:db8:77::5', prefix: 64 },
  ],
  gateway: '10.77.0.1',
  nameservers: ['10.77.0.53'],
  searchDomains: ['lab.example'],
  source: { mac: '00:50:56:9a:01:02', addresses: ['192.0.2.5'] },
};

const oldNetwork = `[Match]
MACAddress=00:50:56:9a:01:02

[Network]
Address=192.0.2.5/24
Gateway=192.0.2.1
`;

const files = {
  old: '/etc/systemd/network/10-lan.network',
  ours: '/etc/systemd/network/05-ossea-02004c9f0001.network',
  saved: '/var/lib/ossea-migrate/saved/etc/systemd/network/10-lan.network',
};

let folder: string;
let rootDisk: string;
let dataDisk: string;
let keyFile: string;
let root: GuestRoot;
let initrdBefore: string;
let disks: GuestDisk[];

beforeAll(async () => {
  const guest = await timed('the Debian guest is made, or was there', debianGuest);
  ({ keyFile } = guest);
  folder = await mkdtemp(join(tmpdir(), 'ossea-conversion-'));
  rootDisk = join(folder, 'root.raw');
  dataDisk = join(folder, 'data.raw');
  await run('cp', ['--sparse=always', guest.applianceDisk, rootDisk]);
  await run('cp', ['--sparse=always', guest.recordsDisk, dataDisk]);
  root = new GuestRoot(folder, rootDisk, partitionOffset);
  await root.giveVsphereLife({ [files.old]: oldNetwork });
  initrdBefore = sha256(await root.initrd());
  disks = [
    { devicePath: dataDisk, key: DeviceKey.parse(2000), label: 'Hard disk 1' },
    { devicePath: rootDisk, key: DeviceKey.parse(2001), label: 'Hard disk 2' },
  ];
}, patienceMs);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const common = () => ({
  vm,
  disks,
  workDir: join(folder, 'work'),
  signal: new AbortController().signal,
  onLog: (line: string) => console.log(`          | ${line}`),
});

describe('a Debian from vSphere', { timeout: patienceMs }, () => {
  it('is looked at without a byte changed', async () => {
    const before = [await digestOf(dataDisk), await digestOf(rootDisk)];
    const inspection = await timed('inspected', () => inspectGuest(common()));
    expect(inspection.root).toMatchObject({ os: 'linux', distro: 'debian', majorVersion: 12 });
    expect(inspection).toMatchObject({ networkStack: 'networkd', bootDiskKey: 2001 });
    const concerns = judgeGuest(inspection, {
      vm,
      kind: 'virt-v2v',
      bus: 'virtio-blk',
      virtioWinIso: undefined,
      addressCount: 1,
      blockDriverOption: false,
    });
    expect(concerns).toEqual([]);
    expect([await digestOf(dataDisk), await digestOf(rootDisk)]).toEqual(before);
  });

  let result: ConversionResult;

  it('is made ready for virtio by the real virt-v2v-in-place', async () => {
    const progress: GuestProgress[] = [];
    result = await timed('converted', () =>
      convertGuest({
        ...common(),
        bus: 'virtio-blk',
        addresses: [nic],
        onProgress: (step) => progress.push(step),
      }),
    );
    expect(result).toMatchObject({
      os: 'linux',
      osProduct: expect.stringContaining('Debian GNU/Linux 12'),
      firmware: 'bios',
    });
    const fractions = progress.map(({ fraction = 0 }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    expect(progress.map(({ phase }) => phase)).toContainEqual(
      expect.stringMatching(/^Converting .* to run on KVM$/),
    );
    expect(await readFile(result.logPath, 'utf8')).toContain('Finishing off');
  });

  it('finds virtio disks with its new initial RAM disk', async () => {
    const content = await root.initrd();
    expect(sha256(content)).not.toBe(initrdBefore);
    const initrd = join(folder, 'initrd');
    await writeFile(initrd, content);
    const { stdout } = await run('lsinitramfs', [initrd], { maxBuffer: 16 * mebibyte });
    expect(stdout).toContain('virtio_blk.ko');
    expect((await root.file(modulesPath))?.toString()).toContain('virt-v2v');
  });

  it('has its static addresses by the MAC of its new adapter, and keeps what it had beside', async () => {
    expect(
      (await root.file(files.ours))?.toString(),
    ).toBe(`# Written by OSSEA Migrate when this machine was moved.
[Match]
MACAddress=02:00:4c:9f:00:01

[Network]
DHCP=no
Address=10.77.0.5/24
Address=10.77.0.6/24
Address=2001:db8:77::5/64
DNS=10.77.0.53
Domains=lab.example

[Route]
Gateway=10.77.0.1
`);
    expect(await root.file(files.old)).toBeUndefined();
    expect((await root.file(files.saved))?.toString()).toBe(oldNetwork);
  });

  it('pitfall 26: boots on virtio from what was its second disk, and answers at its static address', async () => {
    expect(result.bootDiskKey).toBe(2001);
    await using machine = await QemuMachine.start({
      name: 'converted',
      memoryBytes: vm.memoryBytes,
      disks: [
        { id: 'root', bus: 'virtio', source: { file: rootDisk } },
        { id: 'data', bus: 'virtio', source: { file: dataDisk } },
      ],
      nics: [
        {
          ...{ id: 'nic', model: 'virtio', mac: nic.mac, linkUp: true, outward: true },
          // Nothing asks for an address; what comes from outside is led to this one.
          address: { prefix: '10.77.0', ip: '10.77.0.5' },
        },
      ],
      forwardedPorts: [sshPort],
    });
    await using guest = await timed('the converted guest boots', () => BootedGuest.reach(machine, keyFile));
    expect(await guest.command('busybox ip -o addr')).toMatch(/10\.77\.0\.5\/24[\s\S]*10\.77\.0\.6\/24/);
    expect(await guest.command('cat /proc/mounts')).toMatch(/^\/dev\/vda1 \/ /m);
  });
});
