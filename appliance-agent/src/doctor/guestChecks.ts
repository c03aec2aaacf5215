import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AgentConfig } from '../config.ts';
import { isOsseaError } from '../contract/index.ts';
import { kvmWorks } from '../guest/libguestfs.ts';
import { findVirtV2v, hasFirstBootService } from '../guest/virtV2v.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';

const run = promisify(execFile);

/** What virt-v2v asks for in its folder for large files, bytes: virt-v2v(1), "Minimum free space check in the host". */
const leastTemporaryBytes = 1024 ** 3;

export type GuestSettings = Pick<AgentConfig, 'virtV2v' | 'guestfish' | 'virtioWinIso' | 'virtToolsDir'>;

/** Where things are on an appliance; tests have others. */
export interface GuestPlaces {
  readonly bootDir: string;
  readonly cacheDir: string;
}

/** Checks of what prepares guests for KVM. */
export function guestChecks(
  settings: GuestSettings,
  places: GuestPlaces = { bootDir: '/boot', cacheDir: process.env.LIBGUESTFS_CACHEDIR ?? '/var/tmp' },
): Check[] {
  return [
    { id: 'virt-v2v', title: 'virt-v2v', run: (signal) => checkVirtV2v(settings, signal) },
    { id: 'libguestfs', title: 'libguestfs', run: (signal) => checkLibguestfs(settings, places, signal) },
    { id: 'kvm', title: 'KVM', run: () => checkKvm() },
    { id: 'windows-guests', title: 'Windows guests', run: () => checkWindows(settings) },
  ];
}

async function checkVirtV2v({ virtV2v }: GuestSettings, signal: AbortSignal): Promise<Finding> {
  try {
    const { version, blockDriverOption } = await findVirtV2v(virtV2v, signal);
    return ok(`${version}${blockDriverOption ? '' : '; prepares guests for virtio-blk only'}`);
  } catch (error) {
    if (!isOsseaError(error, 'guest.tool-missing')) throw error;
    return warning(
      `${error.message} Guests move without conversion only.`,
      error.remedy ?? 'Install the package virt-v2v.',
    );
  }
}

/** libguestfs starts a small VM with the appliance's own kernel, which some distributions let root read only. */
async function checkLibguestfs(
  { guestfish }: GuestSettings,
  { bootDir, cacheDir }: GuestPlaces,
  signal: AbortSignal,
): Promise<Finding> {
  let version: string;
  try {
    version = (await run(guestfish, ['--version'], { signal })).stdout.trim();
  } catch {
    signal.throwIfAborted();
    return warning(
      `${guestfish} cannot be run; guests move without conversion only`,
      'Install it with: apt-get install libguestfs-tools',
    );
  }
  const kernel = process.env.SUPERMIN_KERNEL;
  const kernels = kernel === undefined ? await kernelsIn(bootDir) : [kernel];
  if (kernels.length === 0) {
    return failed(
      `${version}, but there is no kernel in ${bootDir} for it`,
      'Install one with: apt-get install linux-image-amd64',
    );
  }
  const readable = await Promise.all(kernels.map(isReadable));
  if (!readable.includes(true)) {
    return failed(
      `${version}, but ${kernels[0]} cannot be read`,
      `Run: dpkg-statoverride --update --add root root 0644 ${kernels[0]}`,
    );
  }
  const { bavail, bsize } = await statfs(cacheDir);
  if (bavail * bsize < leastTemporaryBytes) {
    return failed(
      `${version}, but ${cacheDir} has only ${Math.floor((bavail * bsize) / 1024 ** 2)} MiB free`,
      'Make 1 GiB of room there.',
    );
  }
  return ok(version);
}

async function kernelsIn(bootDir: string): Promise<string[]> {
  const names = await readdir(bootDir).catch(() => []);
  return names.filter((name) => /^vmlinu[xz]/.test(name)).map((name) => join(bootDir, name));
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

async function checkKvm(): Promise<Finding> {
  const folder = await mkdtemp(join(tmpdir(), 'ossea-kvm-'));
  try {
    if (await kvmWorks(folder)) return ok('guests run on the processor itself');
  } finally {
    await rm(folder, { recursive: true });
  }
  return warning(
    'the processor is emulated; a conversion takes some ten minutes instead of one or two',
    'Let the hypervisor pass virtualisation on to the appliance (nested KVM), and the agent’s user into the group kvm.',
  );
}

async function checkWindows({ virtioWinIso, virtToolsDir }: GuestSettings): Promise<Finding> {
  if (virtioWinIso === undefined) {
    return skipped(
      'no virtio-win ISO is configured (OSSEA_VIRTIO_WIN_ISO); Windows guests are not converted',
    );
  }
  if (!(await isReadable(virtioWinIso))) {
    return failed(
      `the virtio-win ISO ${virtioWinIso} cannot be read`,
      'Name a readable one with OSSEA_VIRTIO_WIN_ISO.',
    );
  }
  if (!(await hasFirstBootService(virtToolsDir))) {
    return failed(
      `neither rhsrvany.exe nor pvvxsvc.exe is in ${virtToolsDir}; nothing would run at the first boot of Windows`,
      'Put rhsrvany.exe there, or name its folder with OSSEA_VIRT_TOOLS_DIR; Fedora’s virt-v2v brings it.',
    );
  }
  const { size } = await stat(virtioWinIso);
  return ok(`${virtioWinIso}, ${Math.round(size / 1024 ** 2)} MiB`);
}
