import { open } from 'node:fs/promises';
import { chooseBootDisk } from './bootDisk.ts';
import { planEfiFallback } from './efiFallback.ts';
import type { EfiPartition, GuestFilesystem, GuestInspection, GuestRoot } from './guestFacts.ts';
import { mountGuest } from './guestFiles.ts';
import type { Guestfish } from './guestfish.ts';
import type { GuestDisk, GuestMachine, GuestTools } from './guestMachine.ts';
import type { GuestFile } from './network/guestEdit.ts';
import {
  detectStack,
  type LinuxNetwork,
  networkFilePatterns,
  type StackMarker,
  stackMarkers,
} from './network/linuxNetwork.ts';
import { withGuestfish } from './session.ts';

export interface InspectionRequest {
  readonly vm: GuestMachine;
  /** All disks of the VM, in the source's order. They are only read. */
  readonly disks: readonly GuestDisk[];
  /** Which root to look at where several are found. */
  readonly root?: string | undefined;
  /** A private folder, made if it is missing. What is in it is removed afterwards, except the log. */
  readonly workDir: string;
  readonly tools?: GuestTools | undefined;
  /** Default ten minutes. */
  readonly deadlineSeconds?: number | undefined;
  readonly signal: AbortSignal;
  readonly onLog: (line: string) => void;
}

const defaultDeadlineSeconds = 600;

/**
 * Looks at the disks of a guest and changes nothing, so that what would keep it from being converted is known before.
 * @throws OsseaError `guest.tool-missing`, `guest.tool-broken`, `guest.cancelled`, `guest.timeout`; not for what it finds: see `judgeGuest`
 */
export function inspectGuest(request: InspectionRequest): Promise<GuestInspection> {
  return withGuestfish(
    { ...request, readOnly: true, deadlineSeconds: request.deadlineSeconds ?? defaultDeadlineSeconds },
    (session) => readGuest(session, request),
  );
}

/** What a session finds on the disks. File systems are not mounted afterwards. */
export async function readGuest(
  session: Guestfish,
  { vm, disks, root: chosen }: Pick<InspectionRequest, 'vm' | 'disks' | 'root'>,
): Promise<GuestInspection> {
  const devices = (await session.attempt('inspect-os')) ?? [];
  const roots: GuestRoot[] = [];
  for (const device of devices) roots.push(await readRoot(session, device));
  const root = chooseRoot(roots, chosen);
  const mountpoints = root
    ? await session.fields('inspect-get-mountpoints', root.device)
    : new Map<string, string>();
  const filesystems = await readFilesystems(session, mountpoints);
  const efiPartitions = await readEfiPartitions(session, disks);
  const dynamicVolumes = (await session.attempt('list-ldm-volumes')) ?? [];
  const linux = root?.os === 'linux' ? await readLinux(session, root, mountpoints) : undefined;
  const bootDiskKey = await findBootDisk(session, { vm, disks, efiPartitions, mountpoints, root });
  return {
    roots: roots.map((each) =>
      each === root && linux?.product ? { ...each, product: linux.product } : each,
    ),
    root: root && linux?.product ? { ...root, product: linux.product } : root,
    mountpoints,
    filesystems,
    dynamicVolumes,
    efiPartitions,
    bootDiskKey,
    deviceNames: linux?.deviceNames ?? [],
    network: linux?.network,
    networkStack: linux && detectStack(linux.network),
    selinux: linux?.selinux ?? false,
  };
}

/** The one that was chosen, or the only one. */
function chooseRoot(roots: readonly GuestRoot[], chosen: string | undefined): GuestRoot | undefined {
  if (chosen !== undefined) return roots.find(({ device }) => device === chosen);
  return roots.length === 1 ? roots[0] : undefined;
}

async function readRoot(session: Guestfish, device: string): Promise<GuestRoot> {
  const ask = async (what: string) =>
    (await session.attempt(`inspect-get-${what}`, device))?.[0] ?? 'unknown';
  return {
    device,
    os: await ask('type'),
    distro: await ask('distro'),
    product: await ask('product-name'),
    majorVersion: Number(await ask('major-version')) || 0,
    minorVersion: Number(await ask('minor-version')) || 0,
  };
}

async function readFilesystems(
  session: Guestfish,
  mountpoints: ReadonlyMap<string, string>,
): Promise<GuestFilesystem[]> {
  const types = await session.fields('list-filesystems');
  const ntfs = new Map<string, GuestFilesystem['ntfs']>();
  for (const [device, type] of types) {
    if (type === 'ntfs') ntfs.set(device, await probeNtfs(session, device));
  }
  const mounted = new Map<string, { mountpoint: string; freeBytes: number; freeInodes?: number }>();
  for (const [mountpoint, device] of mountpoints) {
    await session.run('umount-all');
    if ((await session.attempt('mount-ro', device, '/')) === undefined) continue;
    const space = await session.fields('statvfs', '/');
    const number = (name: string) => Number(space.get(name) ?? 0);
    mounted.set(device, {
      mountpoint,
      freeBytes: number('bfree') * number('bsize'),
      ...(number('files') > 0 && { freeInodes: number('ffree') }),
    });
  }
  await session.run('umount-all');
  return [...new Set([...types.keys(), ...mounted.keys()])].map((device) => ({
    device,
    type: types.get(device) ?? 'unknown',
    ...mounted.get(device),
    ...(ntfs.has(device) && { ntfs: ntfs.get(device) }),
  }));
}

/** ntfs-3g.probe(8), exit codes: 13 inconsistent, 14 hibernated (also by Fast Startup), 15 not unmounted cleanly. */
async function probeNtfs(session: Guestfish, device: string): Promise<GuestFilesystem['ntfs']> {
  switch ((await session.attempt('ntfs-3g-probe', 'true', device))?.[0]) {
    case '0':
      return 'clean';
    case '13':
      return 'damaged';
    case '14':
      return 'hibernated';
    case '15':
      return 'unclean';
    default:
      return undefined;
  }
}

/** GPT's type of EFI system partitions, and MBR's. */
const efiGptType = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';
const efiMbrId = 0xef;

async function readEfiPartitions(session: Guestfish, disks: readonly GuestDisk[]): Promise<EfiPartition[]> {
  const partitions: EfiPartition[] = [];
  for (const device of (await session.attempt('list-partitions')) ?? []) {
    const disk = await diskOf(session, device, disks);
    if (!disk || !(await isEfiPartition(session, device))) continue;
    await session.run('umount-all');
    if ((await session.attempt('mount-ro', device, '/')) === undefined) continue;
    partitions.push({ device, diskKey: disk.key, files: (await session.attempt('find', '/')) ?? [] });
  }
  await session.run('umount-all');
  return partitions;
}

async function isEfiPartition(session: Guestfish, partition: string): Promise<boolean> {
  const whole = (await session.attempt('part-to-dev', partition))?.[0];
  const number = (await session.attempt('part-to-partnum', partition))?.[0];
  if (whole === undefined || number === undefined) return false;
  const table = (await session.attempt('part-get-parttype', whole))?.[0];
  if (table === 'gpt') {
    return (await session.attempt('part-get-gpt-type', whole, number))?.[0]?.toUpperCase() === efiGptType;
  }
  return Number((await session.attempt('part-get-mbr-id', whole, number))?.[0]) === efiMbrId;
}

/** The disk of a partition or whole device; undefined for logical volumes and the like. */
async function diskOf(
  session: Guestfish,
  device: string,
  disks: readonly GuestDisk[],
): Promise<GuestDisk | undefined> {
  const whole = (await session.attempt('part-to-dev', device))?.[0] ?? device;
  const index = (await session.attempt('device-index', whole))?.[0];
  return index === undefined ? undefined : disks[Number(index)];
}

interface LinuxFacts {
  readonly product: string | undefined;
  readonly deviceNames: readonly string[];
  readonly network: LinuxNetwork;
  readonly selinux: boolean;
}

/** The most that is read of a file of the guest, bytes: configuration is small, and what is not is none. */
const fileLimit = 1024 * 1024;

async function readLinux(
  session: Guestfish,
  root: GuestRoot,
  mountpoints: ReadonlyMap<string, string>,
): Promise<LinuxFacts> {
  await session.run('umount-all');
  await mountGuest(session, mountpoints, true);
  const text = async (path: string) => (await session.readFile(path, fileLimit))?.toString('utf8');
  const files: GuestFile[] = [];
  for (const pattern of networkFilePatterns) {
    for (const path of (await session.attempt('glob-expand', pattern)) ?? []) {
      const content = path.endsWith('/') ? undefined : await text(path);
      if (content !== undefined) files.push({ path, text: content });
    }
  }
  const markers = new Set<StackMarker>();
  for (const marker of stackMarkers) {
    // A unit's link may lead out of what is mounted, so the link itself counts.
    if ((await session.test('exists', marker)) || (await session.test('is-symlink', marker)))
      markers.add(marker);
  }
  const facts: LinuxFacts = {
    product: prettyName((await text('/etc/os-release')) ?? (await text('/usr/lib/os-release')) ?? ''),
    deviceNames: deviceNamesOf((await text('/etc/fstab')) ?? ''),
    network: {
      markers,
      files,
      distro: root.distro,
      majorVersion: root.majorVersion,
      resolvConfIsFile: !(await session.test('is-symlink', '/etc/resolv.conf')),
    },
    selinux: /^\s*SELINUX=(enforcing|permissive)/m.test((await text('/etc/selinux/config')) ?? ''),
  };
  await session.run('umount-all');
  return facts;
}

/** os-release(5). */
export function prettyName(osRelease: string): string | undefined {
  return /^PRETTY_NAME=["']?([^"'\n]+)/m.exec(osRelease)?.[1];
}

/** The devices that a file system table names by their letters, which follow the order of the disks. */
export function deviceNamesOf(fstab: string): string[] {
  return fstab.split('\n').flatMap((line) => /^\s*(\/dev\/(?:[hsv]|xv)d[a-z]+\d*)\s/.exec(line)?.[1] ?? []);
}

interface BootFacts extends Pick<InspectionRequest, 'vm' | 'disks'> {
  readonly efiPartitions: readonly EfiPartition[];
  readonly mountpoints: ReadonlyMap<string, string>;
  readonly root: GuestRoot | undefined;
}

async function findBootDisk(session: Guestfish, facts: BootFacts) {
  const { vm, disks, efiPartitions, mountpoints, root } = facts;
  const bootDevice = mountpoints.get('/boot') ?? mountpoints.get('/') ?? root?.device;
  const bootDisk = bootDevice === undefined ? undefined : await diskOf(session, bootDevice, disks);
  const candidates = await Promise.all(
    disks.map(async (disk) => ({
      key: disk.key,
      bootSector: await readBootSector(disk.devicePath),
      efiLoader: efiPartitions.some(
        ({ diskKey, files }) => diskKey === disk.key && planEfiFallback(files, root?.distro) !== undefined,
      ),
      holdsBoot: disk.key === bootDisk?.key,
      declared: disk.boot === true,
    })),
  );
  return chooseBootDisk(vm.firmware, candidates);
}

async function readBootSector(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
