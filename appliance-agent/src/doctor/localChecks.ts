import { execFile } from 'node:child_process';
import { access, constants, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AgentConfig } from '../config.ts';
import { checkVddkLibrary } from '../transports/vddkLibrary.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';
import { databaseCheck } from './databaseCheck.ts';
import { guestChecks } from './guestChecks.ts';

const run = promisify(execFile);

const leastNodeMajor = 24;

/** Space in the state directory: journals are small, the embedded database grows with history. Bytes. */
const leastFreeBytes = 256 * 1024 ** 2;
const comfortableFreeBytes = 2 * 1024 ** 3;

/** What can be looked at without a running agent. */
export function localChecks(config: AgentConfig): Check[] {
  return [
    { id: 'node', title: 'Node.js', run: async () => checkNode(process.versions.node) },
    { id: 'state-dir', title: 'State directory', run: () => checkFolder(config.stateDir, 'OSSEA_STATE_DIR') },
    { id: 'run-dir', title: 'Run directory', run: () => checkFolder(config.runDir, 'OSSEA_RUN_DIR') },
    { id: 'disk-space', title: 'Free space', run: () => checkSpace(config.stateDir) },
    databaseCheck(config),
    {
      id: 'lease-key',
      title: 'Key of sealed credentials',
      run: () => checkLeaseKey(join(config.stateDir, 'lease.key')),
    },
    { id: 'devices', title: 'Device links', run: () => checkDevices(config.deviceDir) },
    { id: 'nbdkit', title: 'nbdkit', run: (signal) => checkNbdkit(signal) },
    { id: 'vddk', title: 'VDDK', run: (signal) => checkVddk(config.vddkLibDir, signal) },
    ...guestChecks(config),
    { id: 'test-networks', title: 'Test networks', run: (signal) => checkTestNetworks(signal) },
    { id: 'ssh', title: 'SSH to the socket', run: (signal) => checkSsh(signal) },
  ];
}

/** Node's type stripping and `await using` need this release. */
export function checkNode(version: string): Finding {
  const major = Number(version.split('.', 1)[0]);
  if (major >= leastNodeMajor) return ok(version);
  return failed(
    `${version} is older than ${leastNodeMajor}`,
    'Start the agent with bin/ossea-agent, which takes the Node.js that belongs to it.',
  );
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

async function checkFolder(path: string, variable: string): Promise<Finding> {
  const remedy = `Make it, owned by the agent's user, mode 0750; or name another one with ${variable}.`;
  try {
    const stats = await stat(path);
    if (!stats.isDirectory()) return failed(`${path} is not a directory`, remedy);
    await access(path, constants.W_OK | constants.X_OK);
    if ((stats.mode & 0o002) !== 0)
      return failed(`${path} may be written by everyone`, `Run: chmod o-w ${path}`);
    return ok(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') {
      return warning(
        `${path} does not exist yet`,
        `The agent makes it when it starts, where it may. ${remedy}`,
      );
    }
    return failed(`${path} cannot be written (${code})`, remedy);
  }
}

async function checkSpace(stateDir: string): Promise<Finding> {
  try {
    const { bavail, bsize } = await statfs(stateDir);
    const freeBytes = bavail * bsize;
    const text = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free in ${stateDir}`;
    const remedy = 'Make room, or name a larger place with OSSEA_STATE_DIR.';
    if (freeBytes < leastFreeBytes) return failed(text, remedy);
    return freeBytes < comfortableFreeBytes ? warning(text, remedy) : ok(text);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return skipped(`${stateDir} does not exist yet`);
    throw error;
  }
}

async function checkLeaseKey(path: string): Promise<Finding> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) === 0) return ok(path);
    return failed(
      `${path} may be read by others (mode ${(mode & 0o777).toString(8)})`,
      `Run: chmod 600 ${path}; lend the sealed credentials again if others had access.`,
    );
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return skipped('no credentials were sealed yet');
    throw error;
  }
}

async function checkDevices(deviceDir: string): Promise<Finding> {
  try {
    const links = await readdir(deviceDir);
    const volumes = links.filter((name) => /^(virtio-|scsi-)/.test(name) && !/-part\d+$/.test(name));
    return ok(
      `${deviceDir}, with ${volumes.length} ${volumes.length === 1 ? 'link' : 'links'} of virtio or SCSI disks`,
    );
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return failed(
      `${deviceDir} does not exist`,
      'udev makes it when the first disk with a serial is attached; check that udev runs and that the hypervisor passes serials.',
    );
  }
}

async function checkNbdkit(signal: AbortSignal): Promise<Finding> {
  try {
    const { stdout } = await run('nbdkit', ['--version'], { signal });
    return ok(stdout.trim());
  } catch (error) {
    signal.throwIfAborted();
    return warning(
      `nbdkit cannot be run (${errnoOf(error) ?? 'failed'}); disks are read through /folder only`,
      'Install it with: apt-get install nbdkit nbdkit-plugin-vddk',
    );
  }
}

/** Without VDDK disks still travel by `/folder`, so its absence is a warning. */
async function checkVddk(libDir: string | undefined, signal: AbortSignal): Promise<Finding> {
  if (libDir === undefined) {
    return warning(
      'no library folder is configured; disks are read through /folder only',
      'Download VDDK for Linux from Broadcom, unpack it on the appliance, and name the folder with OSSEA_VDDK_LIBDIR.',
    );
  }
  const { file, version } = await checkVddkLibrary({ libDir, signal });
  return ok(`${version} in ${file}`);
}

/** The checks of a test reach its VM from a network namespace of their own. */
async function checkTestNetworks(signal: AbortSignal): Promise<Finding> {
  const needed = [
    {
      words: ['ip', '-Version'],
      package: 'iproute2',
      lost: 'VMs on isolated test networks cannot be checked',
    },
    { words: ['ping', '-V'], package: 'iputils-ping', lost: 'checks by ping are skipped' },
  ];
  for (const { words, package: name, lost } of needed) {
    const [program = '', ...rest] = words;
    try {
      await run(program, rest, { signal });
    } catch (error) {
      signal.throwIfAborted();
      return warning(
        `${program} cannot be run (${errnoOf(error) ?? 'failed'}); ${lost}`,
        `Install it with: apt-get install ${name}`,
      );
    }
  }
  try {
    await run('unshare', ['--net', 'true'], { signal });
    return ok('ip and ping, and network namespaces of their own');
  } catch {
    signal.throwIfAborted();
    return warning(
      'this process may make no network namespace; VMs on isolated test networks cannot be checked',
      'Run the agent as root, as its systemd unit does.',
    );
  }
}

/** The console reaches the agent by `direct-streamlocal`, which sshd can forbid: sshd_config(5), AllowStreamLocalForwarding. */
async function checkSsh(signal: AbortSignal): Promise<Finding> {
  let settings: string;
  try {
    settings = (await run('/usr/sbin/sshd', ['-T'], { signal })).stdout;
  } catch (error) {
    signal.throwIfAborted();
    if (errnoOf(error) === 'ENOENT') {
      return warning(
        'no OpenSSH server is installed; consoles cannot connect',
        'Install it with: apt-get install openssh-server',
      );
    }
    return skipped('the settings of sshd can be read by root only');
  }
  return judgeSshSettings(settings);
}

/** The finding for the output of `sshd -T`. */
export function judgeSshSettings(settings: string): Finding {
  const value = /^allowstreamlocalforwarding (\S+)$/im.exec(settings)?.[1]?.toLowerCase() ?? 'yes';
  if (/^disableforwarding yes$/im.test(settings) || !['yes', 'all', 'local'].includes(value)) {
    return failed(
      'sshd forbids forwarding to Unix sockets; consoles cannot connect',
      'Set "AllowStreamLocalForwarding local" and "DisableForwarding no" for the console\'s user in sshd_config, then reload sshd.',
    );
  }
  return ok('forwarding to Unix sockets is allowed');
}
