import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  access,
  cp,
  glob,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const guestFiles = join(import.meta.dirname, 'guestFiles');
const cache = join(import.meta.dirname, '..', '..', '.cache', 'boot');
const lockName = 'lock';
const suite = 'bookworm';
const mirror = 'http://deb.debian.org/debian';

/** Where the workload's guest answers with its log, and the appliance's SSH server. */
export const recordsPort = 8080;
export const sshPort = 22;

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
/** Under this name busybox is an init. */
const busyboxInit = '/usr/local/sbin/init';
/** The first partition begins there; the boot loader lies before it. */
export const partitionOffset = mebibyte;
const recordsBytes = 64 * mebibyte;

/** Images of a Debian that boots by BIOS from any bus, on paravirtual, emulated and VMware's hardware; all raw. */
export interface DebianGuest {
  /** Root disk of 1 GiB: a guest that does nothing but to write its log and to tell it. Its init is busybox, to be up soon. */
  readonly rootDisk: string;
  /** An empty filesystem of 64 MiB with the label `records`, for the log. */
  readonly recordsDisk: string;
  /** Root disk of 4 GiB, mostly hole: the same Debian with systemd and an SSH server, and nothing of ours. */
  readonly applianceDisk: string;
  /** Private key of the appliance's root. */
  readonly keyFile: string;
}

const packages = [
  ...['systemd-sysv', 'udev', 'openssh-server', 'initramfs-tools', 'zstd', 'kmod'],
  ...['linux-image-amd64', 'acpid', 'busybox'],
];

/** Units of systemd that the appliance can do without: interpreted, each costs a second. */
const masked = [
  ...['configfs', 'drm', 'efi_pstore', 'fuse', 'loop', 'dm_mod'].map(
    (module) => `modprobe@${module}.service`,
  ),
  ...['dev-hugepages', 'dev-mqueue', 'sys-fs-fuse-connections'].map((name) => `${name}.mount`),
  ...['tracing', 'debug', 'config'].map((name) => `sys-kernel-${name}.mount`),
  'proc-sys-fs-binfmt_misc.automount',
  ...['apt-daily', 'apt-daily-upgrade', 'dpkg-db-backup', 'e2scrub_all', 'fstrim'].map(
    (name) => `${name}.timer`,
  ),
  'systemd-tmpfiles-clean.timer',
  ...[
    ...['binfmt', 'boot-system-token', 'firstboot', 'journal-flush', 'logind', 'machine-id-commit'],
    ...['network-generator', 'pstore', 'random-seed', 'sysusers', 'update-utmp', 'update-utmp-runlevel'],
    'user-sessions',
  ].map((name) => `systemd-${name}.service`),
  'e2scrub_reap.service',
  'getty.target',
  'systemd-fsckd.socket',
];

/**
 * The images, made at the first call: needs root, mmdebstrap, grub-pc-bin and Debian's mirror, and takes one to three minutes.
 * Kept in `.cache/boot` until the recipe changes.
 * @throws Error with the output of the tool that failed
 */
export async function debianGuest(): Promise<DebianGuest> {
  const folder = join(cache, await recipeDigest());
  const guest = {
    rootDisk: join(folder, 'root.raw'),
    recordsDisk: join(folder, 'records.raw'),
    applianceDisk: join(folder, 'appliance.raw'),
    keyFile: join(folder, 'key'),
  };
  if (await exists(folder)) return guest;
  if (process.getuid?.() !== 0) throw new Error('making the Debian guest needs root, for mmdebstrap');
  await mkdir(cache, { recursive: true });
  await using _lock = await lock(join(cache, lockName));
  // Whoever held the lock before may have made it.
  if (await exists(folder)) return guest;
  for (const old of await readdir(cache)) {
    if (old !== lockName) await rm(join(cache, old), { recursive: true });
  }
  const work = await mkdtemp(join(cache, 'making-'));
  try {
    await makeImages(work);
    await rename(work, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return guest;
}

/** Waits for a lock among processes; it goes with this process, however that ends. @throws Error where flock(1) cannot be had */
async function lock(path: string): Promise<AsyncDisposable> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'close');
  const isHeld = await Promise.race([once(holder.stdout, 'data'), ended.then(() => undefined)]);
  if (isHeld === undefined) throw new Error(`${path} cannot be locked`);
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await ended;
    },
  };
}

async function recipeDigest(): Promise<string> {
  const hash = createHash('sha256');
  const found = await Array.fromAsync(glob('**/*', { cwd: guestFiles, withFileTypes: true }));
  const files = found.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  for (const file of [import.meta.filename, ...files.sort()]) {
    hash.update(`${relative(import.meta.dirname, file)}\0`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function makeImages(work: string): Promise<void> {
  const tree = join(work, 'tree');
  await run('mmdebstrap', [
    ...['--mode=root', '--variant=essential', `--include=${packages.join(',')}`],
    `--dpkgopt=${join(guestFiles, 'etc', 'dpkg', 'dpkg.cfg.d', 'lean')}`,
    // Before the kernel comes: they tell what its initial RAM disk takes in.
    `--essential-hook=cp -R '${guestFiles}/.' "$1"`,
    ...[suite, tree, mirror],
  ]);
  // An id that is to be made at the first boot would have systemd set all units up anew then.
  await rm(join(tree, 'etc', 'machine-id'), { force: true });
  await inTree(tree, ['systemd-machine-id-setup']);
  await inTree(tree, ['systemctl', 'enable', 'wired', 'ssh', 'acpid']);
  await inTree(tree, ['systemctl', 'mask', ...masked]);
  await symlink('/bin/busybox', join(tree, busyboxInit));
  for (const folder of ['records', 'root/.ssh'])
    await mkdir(join(tree, folder), { recursive: true, mode: 0o700 });
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', join(work, 'key')]);
  await cp(join(work, 'key.pub'), join(tree, 'root', '.ssh', 'authorized_keys'));
  await makeRootDisk(tree, join(work, 'root.raw'), gibibyte, `init=${busyboxInit}`);
  await makeRootDisk(tree, join(work, 'appliance.raw'), 4 * gibibyte, '');
  await makeHole(join(work, 'records.raw'), recordsBytes);
  await run('mke2fs', ['-q', '-t', 'ext4', '-L', 'records', join(work, 'records.raw')]);
  await rm(tree, { recursive: true });
}

/** A disk with one partition and GRUB before it, made without mounting anything. */
async function makeRootDisk(
  tree: string,
  disk: string,
  sizeBytes: number,
  kernelOptions: string,
): Promise<void> {
  await mkdir(join(tree, 'boot', 'grub'), { recursive: true });
  await writeFile(join(tree, 'boot', 'grub', 'grub.cfg'), bootMenu(kernelOptions));
  await makeHole(disk, sizeBytes);
  await run('sh', ['-c', `echo "${partitionOffset / 512},,L,*" | sfdisk --quiet "$0"`, disk]);
  await run('mke2fs', [
    ...['-q', '-F', '-t', 'ext4', '-b', '4096', '-L', 'root', '-d', tree],
    ...['-E', `offset=${partitionOffset}`, disk, `${(sizeBytes - partitionOffset) / 4096}`],
  ]);
  const core = `${disk}.core`;
  await run('grub-mkimage', [
    ...['-O', 'i386-pc', '-p', '(hd0,msdos1)/boot/grub', '-o', core],
    ...['biosdisk', 'part_msdos', 'ext2', 'linux', 'normal', 'configfile', 'search', 'search_label'],
    ...['serial', 'terminal'],
  ]);
  // The boot sector as it comes finds its continuation in the second sector. The partition table begins at byte 440.
  const bootSector = await readFile('/usr/lib/grub/i386-pc/boot.img');
  await using file = await open(disk, 'r+');
  await file.write(bootSector, 0, 440, 0);
  const continuation = await readFile(core);
  if (continuation.length > partitionOffset - 512) throw new Error('GRUB does not fit before the partition');
  await file.write(continuation, 0, continuation.length, 512);
  await rm(core);
}

/**
 * GRUB's configuration: no menu, and words on the serial console. The kernel is told that the timer works, as KVM tells it: where a busy
 * machine holds the interpreter up, it would find that it does not, and panic.
 */
function bootMenu(kernelOptions: string): string {
  return `serial --unit=0 --speed=115200
terminal_output serial
set timeout=0
search --no-floppy --label root --set root
linux /vmlinuz root=LABEL=root ro console=tty0 console=ttyS0,115200 quiet no_timer_check ${kernelOptions}
initrd /initrd.img
boot
`;
}

async function makeHole(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'wx');
  await file.truncate(sizeBytes);
}

function inTree(tree: string, command: readonly string[]): Promise<void> {
  return run('chroot', [tree, ...command]);
}

/** @throws Error with the last lines of the program's output */
async function run(program: string, programArguments: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  try {
    await execute(program, [...programArguments], { env, maxBuffer: 64 * mebibyte });
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error && 'stderr' in error ? error : undefined;
    const words = `${String(output?.stdout ?? '')}${String(output?.stderr ?? error)}`;
    throw new Error(`${program} failed:\n${words.slice(-2000)}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
