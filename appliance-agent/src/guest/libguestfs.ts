import { execFile } from 'node:child_process';
import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the operator may have set for libguestfs on this appliance, and is handed on. */
const handedOn = ['PATH', 'LIBGUESTFS_PATH', 'LIBGUESTFS_HV', 'SUPERMIN_KERNEL', 'SUPERMIN_MODULES'] as const;

export interface EnvironmentOptions {
  /** An absolute path, below which temporary files are made. */
  readonly workDir: string;
  /** Whether QEMU has to emulate the processor; see `kvmWorks`. */
  readonly emulated: boolean;
  readonly virtioWinIso?: string | undefined;
  /** Where `rhsrvany.exe` is; default `/usr/share/virt-tools`. */
  readonly virtToolsDir?: string | undefined;
}

/**
 * The environment of every tool of libguestfs: nothing of the agent's own but the PATH and what the operator set for these tools. Temporary
 * files lie in the work folder, so that they go with it.
 */
export async function libguestfsEnvironment(options: EnvironmentOptions): Promise<Record<string, string>> {
  const temporary = path.join(options.workDir, 'tmp');
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const environment: Record<string, string> = {
    LANG: 'C.UTF-8',
    HOME: options.workDir,
    TMPDIR: temporary,
    LIBGUESTFS_BACKEND: 'direct',
  };
  for (const name of handedOn) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  if (options.emulated) environment.LIBGUESTFS_BACKEND_SETTINGS = 'force_tcg';
  if (options.virtioWinIso !== undefined) environment.VIRTIO_WIN = options.virtioWinIso;
  if (options.virtToolsDir !== undefined) environment.VIRT_TOOLS_DATA_DIR = options.virtToolsDir;
  return environment;
}

/** Milliseconds; a boot sector is through in less than one where KVM works. */
const probeDeadline = 20_000;

/** What QEMU ends with after the guest wrote `code` to its debug port: QEMU, hw/misc/debugexit.c. */
const exitStatus = (code: number) => (code << 1) | 1;
const probeCode = 0x10;

/** `mov dx, 0xf4; mov al, 0x10; out dx, al; hlt`, and then for ever. */
const probeProgram = [0xba, 0xf4, 0x00, 0xb0, probeCode, 0xee, 0xf4, 0xeb, 0xfd];

let known: Promise<boolean> | undefined;

/**
 * True where KVM runs a guest with the processor that libguestfs asks for. That the device can be opened is not enough: inside some
 * clouds it is there, and QEMU breaks down as soon as it sets up the processor. So a boot sector of nine bytes is run on it, once in
 * the life of the agent. libguestfs itself falls back only where the device is missing.
 */
export function kvmWorks(workDir: string, qemu = process.env.LIBGUESTFS_HV): Promise<boolean> {
  known ??= probeKvm(workDir, qemu ?? 'qemu-system-x86_64');
  return known;
}

/** See `kvmWorks`; asks each time. */
export async function probeKvm(workDir: string, qemu: string): Promise<boolean> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  await mkdir(workDir, { recursive: true });
  const image = path.join(workDir, 'kvm-probe.img');
  await writeFile(image, bootSector());
  const parameters = [
    ...['-accel', 'kvm', '-cpu', 'max', '-nodefaults', '-no-user-config', '-display', 'none', '-m', '64'],
    ...['-drive', `file=${image.replaceAll(',', ',,')},format=raw,if=ide,readonly=off,snapshot=on`],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04', '-no-reboot'],
  ];
  try {
    await run(qemu, parameters, { timeout: probeDeadline, killSignal: 'SIGKILL' });
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === exitStatus(probeCode);
  }
}

function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  sector.set(probeProgram);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
