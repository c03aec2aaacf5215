import { appendFile, copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { run, Server } from './programs.ts';

/** An export on a Unix socket, served by nbdkit with this plugin and its parameters. */
export async function serve(folder: string, ...plugin: string[]): Promise<Server & { socket: string }> {
  const own = await mkdtemp(join(folder, 'nbd-'));
  const socket = join(own, 'nbd.sock');
  const pid = join(own, 'nbdkit.pid');
  const server = await Server.start(pid, 'nbdkit', '-f', '-P', pid, '-U', socket, ...plugin);
  return Object.assign(server, { socket });
}

/**
 * Brings a Unix socket through SSH on loopback, with an sshd and keys of its own. A session is kept open beside the forward:
 * without one, sshd leaves Nagle's algorithm on, and each request waits for a delayed acknowledgement.
 */
export async function throughSsh(
  folder: string,
  socket: string,
): Promise<AsyncDisposable & { socket: string }> {
  const own = await mkdtemp(join(folder, 'ssh-'));
  const hostKey = join(own, 'host');
  const userKey = join(own, 'user');
  for (const key of [hostKey, userKey]) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  await copyFile(`${userKey}.pub`, join(own, 'authorized_keys'));
  const port = await freePort();
  const pid = join(own, 'sshd.pid');
  const settings = [
    `Port=${port}`,
    'ListenAddress=127.0.0.1',
    `HostKey=${hostKey}`,
    `AuthorizedKeysFile=${join(own, 'authorized_keys')}`,
    `PidFile=${pid}`,
    'StrictModes=no',
    'UsePAM=no',
    'PasswordAuthentication=no',
  ];
  await mkdir('/run/sshd', { recursive: true });
  const options = settings.flatMap((setting) => ['-o', setting]);
  const sshd = await Server.start(pid, '/usr/sbin/sshd', '-D', '-f', '/dev/null', ...options);
  const forwarded = join(own, 'forwarded.sock');
  const hosts = join(own, 'known_hosts');
  await appendFile(hosts, '');
  const ssh = await Server.start(
    forwarded,
    'ssh',
    ...['-F', 'none', '-i', userKey, '-p', `${port}`, '-c', 'aes128-gcm@openssh.com'],
    ...['-o', 'StrictHostKeyChecking=accept-new', '-o', `UserKnownHostsFile=${hosts}`],
    ...['-o', 'ExitOnForwardFailure=yes', '-L', `${forwarded}:${socket}`],
    `${userInfo().username}@127.0.0.1`,
    'sleep infinity',
  );
  return {
    socket: forwarded,
    [Symbol.asyncDispose]: async () => {
      await ssh[Symbol.asyncDispose]();
      await sshd[Symbol.asyncDispose]();
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No free port was found.');
  return address.port;
}
