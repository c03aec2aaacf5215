/**
 * Runs on whatever Node a fresh machine has: installs what is missing, then hands over to the pinned Node.
 *
 *   node build/bootstrap.mjs demo [arguments of the demo]
 *   node build/bootstrap.mjs test [--with-boot] [arguments of vitest]
 *   node build/bootstrap.mjs test:boot [arguments of vitest]
 *   node build/bootstrap.mjs prepare        only installs what the tests need
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache');
const binFolder = join(root, 'node_modules', '.bin');
const [command, ...commandArguments] = process.argv.slice(2);

/** Where Debian keeps this machine's libraries. */
const libraries = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

/** Debian packages by what they are for; `probe` is a file that shows that the package is there. */
const systemPackages = {
  test: [
    { name: 'nbdkit', probe: '/usr/bin/nbdkit', for: 'a real NBD server' },
    { name: 'libnbd-bin', probe: '/usr/bin/nbdcopy', for: 'the peer of the benchmarks' },
    { name: 'qemu-utils', probe: '/usr/bin/qemu-nbd', for: 'a second real NBD server' },
    { name: 'openssh-server', probe: '/usr/sbin/sshd', for: 'a real SSH server' },
    { name: 'openssh-client', probe: '/usr/bin/ssh', for: 'a real SSH client' },
    {
      name: 'python3-pyvmomi',
      probe: '/usr/lib/python3/dist-packages/pyVmomi',
      for: 'a foreign vSphere client',
    },
    {
      name: 'python3-libcloud',
      probe: '/usr/lib/python3/dist-packages/libcloud',
      for: 'a foreign CloudStack client',
    },
    { name: 'dbus', probe: '/usr/bin/dbus-daemon', for: 'a real D-Bus session' },
    { name: 'gnome-keyring', probe: '/usr/bin/gnome-keyring-daemon', for: 'a real Secret Service' },
    { name: 'libsecret-tools', probe: '/usr/bin/secret-tool', for: 'a foreign client of it' },
    { name: 'libglib2.0-bin', probe: '/usr/bin/gdbus', for: 'waiting for it' },
    { name: 'libsecret-1-dev', probe: '/usr/include/libsecret-1/libsecret/secret.h', for: 'building keytar' },
    { name: 'procps', probe: '/usr/bin/pgrep', for: 'ending the SSH server' },
    { name: 'xvfb', probe: '/usr/bin/Xvfb', for: 'a display for the console' },
    { name: 'xauth', probe: '/usr/bin/xauth', for: 'xvfb-run' },
    { name: 'libgtk-3-0', probe: `${libraries}/libgtk-3.so.0`, for: 'Electron' },
    { name: 'libnss3', probe: `${libraries}/libnss3.so`, for: 'Electron' },
    { name: 'libasound2', probe: `${libraries}/libasound.so.2`, for: 'Electron' },
    { name: 'libgbm1', probe: `${libraries}/libgbm.so.1`, for: 'Electron' },
    { name: 'libnotify4', probe: `${libraries}/libnotify.so.4`, for: 'notifications of Electron' },
    { name: 'poppler-utils', probe: '/usr/bin/pdftotext', for: 'a foreign reader of PDFs' },
    { name: 'iproute2', probe: '/usr/bin/ip', for: 'networks of tests' },
    { name: 'iputils-ping', probe: '/usr/bin/ping', for: 'a look whether a guest answers' },
    { name: 'openssl', probe: '/usr/bin/openssl', for: 'certificates of the TLS tests' },
  ],
  boot: [
    { name: 'qemu-system-x86', probe: '/usr/bin/qemu-system-x86_64', for: 'VMs that boot for real' },
    { name: 'mmdebstrap', probe: '/usr/bin/mmdebstrap', for: 'the system that they boot' },
    { name: 'grub-pc-bin', probe: '/usr/lib/grub/i386-pc/boot.img', for: 'its boot loader' },
    { name: 'fdisk', probe: '/usr/sbin/sfdisk', for: 'its partition' },
    { name: 'e2fsprogs', probe: '/usr/sbin/mke2fs', for: 'its file systems' },
  ],
  conversion: [
    { name: 'virt-v2v', probe: '/usr/bin/virt-v2v-in-place', for: 'the conversion of a guest' },
    { name: 'libguestfs-tools', probe: '/usr/bin/guestfish', for: 'a look into a guest' },
    { name: 'linux-image-amd64', probe: '/vmlinuz', for: 'the machine that libguestfs looks with' },
    { name: 'grub-efi-amd64-bin', probe: '/usr/lib/grub/x86_64-efi', for: 'a guest with UEFI' },
    { name: 'dosfstools', probe: '/usr/sbin/mkfs.vfat', for: 'its EFI system partition' },
    { name: 'mtools', probe: '/usr/bin/mcopy', for: 'a look into that' },
    { name: 'ovmf', probe: '/usr/share/OVMF/OVMF_CODE_4M.fd', for: 'its firmware' },
    { name: 'initramfs-tools-core', probe: '/usr/bin/lsinitramfs', for: 'a look into its initial RAM disk' },
  ],
  demo: [],
};

function fail(message) {
  console.error(message);
  process.exit(2);
}

function run(program, programArguments, options = {}) {
  const result = spawnSync(program, programArguments, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) fail(`${program} could not be started: ${result.error.message}`);
  if (result.signal) process.kill(process.pid, result.signal);
  return result.status ?? 1;
}

function installSystemPackages(wanted) {
  const missing = wanted.filter(({ probe }) => !existsSync(probe));
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  const debian = existsSync('/usr/bin/apt-get');
  if (!debian || process.getuid?.() !== 0) {
    fail(
      [
        'These Debian packages (or their like on your system) are missing:',
        ...missing.map(({ name, for: purpose }) => `  ${name.padEnd(18)} ${purpose}`),
        debian
          ? `Install them with: sudo apt-get install ${names.join(' ')}`
          : 'Install them, then run this again.',
      ].join('\n'),
    );
  }
  console.error(`Installing ${names.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  const patient = ['-o', 'Acquire::Retries=5'];
  run('apt-get', [...patient, 'update', '-qq'], quiet);
  const status = run(
    'apt-get',
    [...patient, 'install', '-y', '-qq', '--no-install-recommends', ...names],
    quiet,
  );
  if (status !== 0) fail('apt-get could not install them; see above.');
}

function installNodePackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(cache, 'installed-lock');
  const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
  if (installed && existsSync(join(binFolder, 'node'))) return;
  console.error('Installing the npm packages …');
  rmSync(stamp, { force: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Not `npm ci`: it refuses a lock that was made where packages of other platforms cannot be had.
  const installArguments = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  // keytar is compiled where its binary cannot be fetched; the system's headers do where Node's cannot be either.
  const headers = existsSync('/usr/include/node/node_api.h') ? { npm_config_nodedir: '/usr' } : {};
  const env = { ...process.env, ...headers };
  const status = run(npm, installArguments, { env, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail('npm install failed; see above.');
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp, lock);
}

/** Runs a script under the pinned Node, with the packages' programs first on the path. */
function runPinned(script, scriptArguments) {
  const path = `${binFolder}${delimiter}${process.env.PATH ?? ''}`;
  return run(join(binFolder, 'node'), [join(root, script), ...scriptArguments], {
    env: { ...process.env, PATH: path },
  });
}

const { demo, test, boot, conversion } = systemPackages;
const commands = {
  demo: { packages: demo, script: 'e2e/demo/demo.ts', words: [] },
  test: {
    packages: commandArguments.includes('--with-boot') ? [...test, ...boot] : test,
    script: 'build/runTests.ts',
    words: [],
  },
  'test:boot': {
    packages: [...test, ...boot, ...conversion],
    script: 'build/runTests.ts',
    words: ['--boot'],
  },
  prepare: { packages: test, script: undefined, words: [] },
};
if (!command || !(command in commands)) {
  fail(`usage: node build/bootstrap.mjs ${Object.keys(commands).join('|')} [arguments]`);
}
const { packages, script, words } = commands[command];
installSystemPackages(packages);
installNodePackages();
if (script) process.exit(runPinned(script, [...words, ...commandArguments]));
