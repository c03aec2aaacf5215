import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type ConversionBus,
  type DeviceKey,
  ErrorCode,
  isOsseaError,
  OsseaError,
} from '../contract/index.ts';
import { planEfiFallback } from './efiFallback.ts';
import type { GuestInspection, GuestRoot } from './guestFacts.ts';
import { applyEdits, mountGuest } from './guestFiles.ts';
import type { Guestfish } from './guestfish.ts';
import type { GuestDisk, GuestMachine, GuestTools } from './guestMachine.ts';
import { readGuest } from './inspection.ts';
import { judgeGuest } from './judgeGuest.ts';
import { libvirtXml } from './libvirtXml.ts';
import type { GuestNic } from './network/guestNic.ts';
import { planLinuxNetwork } from './network/linuxNetwork.ts';
import { windowsAddressWarnings } from './network/windowsNetwork.ts';
import { runVirtV2v } from './runVirtV2v.ts';
import { startGuestfish, type Work, withWork } from './session.ts';
import { findVirtV2v, hasFirstBootService, type VirtV2v } from './virtV2v.ts';

export type { GuestDisk, GuestMachine, GuestTools } from './guestMachine.ts';
export type { GuestNic } from './network/guestNic.ts';

export interface GuestProgress {
  /** Of the whole, 0 to 1; never goes back; undefined where nothing is known. */
  readonly fraction?: number | undefined;
  /** What goes on now, for people, such as `Converting the guest to run on KVM`. */
  readonly phase: string;
}

export interface ConversionRequest {
  readonly vm: GuestMachine;
  /** All disks of the VM, in the source's order. Nothing else may have them open. */
  readonly disks: readonly GuestDisk[];
  /**
   * `virt-v2v` (the default) makes the guest ready for virtio; `none` leaves its drivers alone, and only writes static addresses and makes an
   * EFI system partition boot by itself.
   */
  readonly kind?: 'virt-v2v' | 'none' | undefined;
  readonly bus: ConversionBus;
  /** The operator's virtio-win ISO; Windows guests cannot be converted without it. */
  readonly virtioWinIso?: string | undefined;
  /** For adapters with static addresses; others keep what the guest has. */
  readonly addresses: readonly GuestNic[];
  /** The others: what a Linux guest has for them follows them to their new MAC addresses and names. Default: none are known. */
  readonly others?: readonly GuestNic[] | undefined;
  /** Which root to convert where several were found, such as `/dev/sda2`: a candidate out of an inspection. */
  readonly root?: string | undefined;
  /** A private folder, made if it is missing. What is in it is removed afterwards, except the log. */
  readonly workDir: string;
  readonly tools?: GuestTools | undefined;
  /** Default two hours. */
  readonly deadlineSeconds?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: GuestProgress) => void;
  /** Each line that a tool prints. */
  readonly onLog: (line: string) => void;
}

export interface ConversionResult {
  /** `linux` or `windows`. */
  readonly os?: string | undefined;
  /** As the guest calls itself, such as `Debian GNU/Linux 12 (bookworm)`. */
  readonly osProduct?: string | undefined;
  /** The disk with the boot loader: the one to deploy the VM from. */
  readonly bootDiskKey?: DeviceKey | undefined;
  /** What the guest is installed to boot by. */
  readonly firmware?: 'bios' | 'efi' | undefined;
  readonly seconds: number;
  /** What went another way than it should, but does not keep the guest from booting. */
  readonly warnings: readonly string[];
  readonly logPath: string;
}

const defaultDeadlineSeconds = 2 * 60 * 60;

/** Shares of the whole, as fractions at which they end. */
const looked = 0.1;
const edited = 0.13;

/**
 * Prepares the disks of a guest, in place, for KVM: static addresses and boot files first, then drivers, boot loader and initial RAM disk by virt-v2v,
 * which also gives what was written its SELinux labels. A failure or a cancellation leaves the disks in an unknown state, so call it
 * on clones, or with a snapshot to go back to. When it returns, or throws, nothing has the disks open any more; nor when the
 * agent is killed meanwhile.
 *
 * @throws OsseaError `guest.*`: `guest.cancelled` when the signal aborts, `guest.timeout` after the deadline, else by what is found and what the tools say
 */
export function convertGuest(request: ConversionRequest): Promise<ConversionResult> {
  const startedAt = performance.now();
  const deadlineSeconds = request.deadlineSeconds ?? defaultDeadlineSeconds;
  return withWork({ ...request, deadlineSeconds }, async (work) => {
    const convert = request.kind !== 'none';
    const tool = convert ? await findVirtV2v(request.tools?.virtV2vInPlace, work.signal) : undefined;
    report(request, work, 0, 'Looking at the guest');
    const prepared = await prepareFiles(request, work, tool, deadlineSeconds);
    const warnings = [...prepared.warnings];
    if (tool && prepared.root) {
      const { root } = prepared;
      report(request, work, edited, `Converting with virt-v2v ${tool.version}`);
      const xmlPath = path.join(path.resolve(request.workDir), 'domain.xml');
      await writeFile(xmlPath, libvirtXml(request.vm, await domainDisks(request.disks)), { mode: 0o600 });
      warnings.push(
        ...(await runVirtV2v({
          tool,
          label: request.vm.name,
          bus: request.bus,
          root,
          addresses: request.addresses,
          xmlPath,
          work,
          onProgress: (fraction, phase) => {
            request.onProgress({ fraction: edited + (1 - edited) * fraction, phase });
          },
        })),
      );
    }
    report(request, work, 1, 'The guest is ready');
    return {
      os: prepared.root?.os,
      osProduct: prepared.root?.product,
      bootDiskKey: prepared.bootDiskKey,
      firmware: prepared.bootDiskKey === undefined ? undefined : request.vm.firmware,
      seconds: (performance.now() - startedAt) / 1000,
      warnings,
      logPath: work.logPath,
    };
  });
}

function report({ onProgress }: ConversionRequest, { log }: Work, fraction: number, phase: string): void {
  log(phase);
  onProgress({ fraction, phase });
}

function domainDisks(disks: readonly GuestDisk[]) {
  return Promise.all(
    disks.map(async ({ devicePath }) => ({ devicePath, block: (await stat(devicePath)).isBlockDevice() })),
  );
}

interface PreparedFiles {
  readonly root: GuestRoot | undefined;
  readonly bootDiskKey: DeviceKey | undefined;
  readonly warnings: readonly string[];
}

/** Looks at the guest, stops where it cannot be converted, and changes its files. */
async function prepareFiles(
  request: ConversionRequest,
  work: Work,
  tool: VirtV2v | undefined,
  deadlineSeconds: number,
): Promise<PreparedFiles> {
  await using session = await startGuestfish({ ...request, deadlineSeconds, readOnly: false }, work);
  const inspection = await readGuest(session, request);
  const { root, bootDiskKey } = inspection;
  const concerns = judgeGuest(inspection, {
    vm: request.vm,
    kind: tool ? 'virt-v2v' : 'none',
    bus: request.bus,
    virtioWinIso: request.virtioWinIso,
    addressCount: request.addresses.length,
    blockDriverOption: tool?.blockDriverOption,
    firstBootService: await hasFirstBootService(request.tools?.virtToolsDir),
  });
  const [gravest] = concerns;
  if (gravest?.severity === 'critical') throw errorOf(gravest, request.vm);
  report(request, work, looked, `Found ${root?.product ?? 'no operating system'}`);
  const warnings = concerns
    .filter(({ severity }) => severity === 'warning')
    .map(({ subject, summary, remedy }) => `${subject}: ${summary} ${remedy}`);
  warnings.push(...orderWarnings(inspection, request.disks));
  await makeEfiFallback(session, inspection);
  if (root) warnings.push(...(await writeNetwork(session, inspection, request, tool !== undefined)));
  await session.close();
  return { root, bootDiskKey, warnings };
}

function errorOf(
  { rule, subject, summary, remedy }: { rule: string; subject: string; summary: string; remedy: string },
  vm: GuestMachine,
): OsseaError {
  const code = ErrorCode.safeParse(rule).data ?? 'guest.failed';
  const where = subject === vm.name ? '' : `${subject}: `;
  return new OsseaError(code, `${vm.name} cannot be prepared. ${where}${summary}`, { remedy });
}

/** The target has the boot disk first, so names of devices by their order change where it was not. */
function orderWarnings({ bootDiskKey, deviceNames }: GuestInspection, disks: readonly GuestDisk[]): string[] {
  if (bootDiskKey === undefined || disks[0]?.key === bootDiskKey || deviceNames.length === 0) return [];
  return [
    `/etc/fstab names ${deviceNames.join(', ')}, and the boot disk was not the first one of the source: use UUIDs there, as the names change.`,
  ];
}

/** Pitfall 26: entries of the firmware stay behind, so the place that it looks at without any has to hold a loader. */
async function makeEfiFallback(session: Guestfish, { efiPartitions, root }: GuestInspection): Promise<void> {
  for (const { device, files } of efiPartitions) {
    const copies = planEfiFallback(files, root?.distro) ?? [];
    if (copies.length === 0) continue;
    await session.run('umount-all');
    await session.run('mount', device, '/');
    await session.run('mkdir-p', '/EFI/BOOT');
    for (const { from, to } of copies) await session.run('cp', from, to);
  }
  await session.run('umount-all');
}

async function writeNetwork(
  session: Guestfish,
  { root, mountpoints, network, networkStack, selinux }: GuestInspection,
  { addresses, others = [], vm }: ConversionRequest,
  converted: boolean,
): Promise<readonly string[]> {
  if (root?.os === 'windows') return windowsAddressWarnings(addresses);
  if (!network || !networkStack) return [];
  const { edits, warnings } = planLinuxNetwork(network, networkStack, addresses, others);
  if (edits.length === 0) return warnings;
  await mountGuest(session, mountpoints, false);
  try {
    await applyEdits(session, edits, vm.name);
  } catch (error) {
    // Nobody asked for it: the guest boots without, and a person can set its network up.
    if (addresses.length > 0 || !isOsseaError(error, 'guest.network')) throw error;
    return [...warnings, `${error.message} Check the guest’s network after the move.`];
  }
  // virt-v2v labels what it finds; without it the guest has to, at its first boot.
  if (selinux && !converted) await session.run('touch', '/.autorelabel');
  return warnings;
}
