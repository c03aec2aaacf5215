import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = '/usr/sbin/sshd';

/** A real OpenSSH server on a loopback port, with keys of its own and one login by key. */
export interface SshServer extends AsyncDisposable {
  readonly port: number;
  readonly username: string;
  /** The private key that may log in. */
  readonly keyFile: string;
  /** The same key, encrypted with `passphrase`. */
  readonly encryptedKeyFile: string;
  readonly passphrase: string;
  /** `SHA256:…` of the host key that is in use. */
  hostKey(): Promise<string>;
  /** Ends the server and all its connections, as a crash or a cut cable would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Gives it another host key; takes effect at the next start. */
  changeHostKey(): Promise<void>;
}

/** Begins to listen with `socket` or fails; used to learn a free port. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function makeKey(path: string, passphrase = ''): Promise<void> {
  await rm(path, { force: true });
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'lab', '-f', path]);
}

/** Each connection of sshd is a process in a session of its own, so a signal to its group would miss it. */
async function descendants(pid: number): Promise<number[]> {
  // pgrep exits with 1 where there is none.
  const { stdout } = await run('pgrep', ['-P', String(pid)]).catch(() => ({ stdout: '' }));
  const children = stdout.split('\n').filter(Boolean).map(Number);
  return [...(await Promise.all(children.map(descendants))).flat(), ...children];
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'data', { signal: AbortSignal.timeout(2000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Makes the server's shells see a machine on which nothing of ours is installed; for root. */
const bareMachine = [
  'unshare',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  'sh',
  join(import.meta.dirname, 'bareMachine.sh'),
];

export interface SshServerOptions {
  /** A machine of its own, whose changes and processes go away with the server. */
  readonly bare?: boolean;
}

/**
 * Starts the server.
 * @throws Error where OpenSSH's server is not installed (Debian: openssh-server)
 */
export async function startSshServer({ bare = false }: SshServerOptions = {}): Promise<SshServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ossea-sshd-'));
  const hostKeyFile = join(folder, 'host_key');
  const keyFile = join(folder, 'id');
  const encryptedKeyFile = join(folder, 'id_encrypted');
  const passphrase = 'of the lab';
  await makeKey(hostKeyFile);
  await makeKey(keyFile);
  await run('cp', [keyFile, encryptedKeyFile]);
  await run('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-f', encryptedKeyFile]);
  await writeFile(join(folder, 'authorized_keys'), await readFile(`${keyFile}.pub`));
  const port = await freePort();
  const configuration = join(folder, 'sshd_config');
  await writeFile(
    configuration,
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${hostKeyFile}`,
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
      `PidFile ${join(folder, 'sshd.pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication yes',
      'PermitRootLogin yes',
      'Subsystem sftp internal-sftp',
      'LogLevel ERROR',
    ].join('\n'),
  );
  // sshd insists on its privilege separation folder.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });

  let child: ChildProcess | undefined;
  const kill = async () => {
    const running = child;
    child = undefined;
    if (!running?.pid || running.exitCode !== null) return;
    const exited = once(running, 'exit');
    for (const pid of [...(await descendants(running.pid)), running.pid]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself meanwhile.
      }
    }
    await exited;
  };
  const start = async () => {
    const [command = program, ...words] = [
      ...(bare ? bareMachine : []),
      program,
      '-D',
      '-e',
      '-f',
      configuration,
    ];
    const started = spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit'] });
    child = started;
    const failed = once(started, 'error').then(([error]) => Promise.reject(error));
    const listening = (async () => {
      while (!(await accepts(port))) {
        if (started.exitCode !== null) throw new Error(`sshd ended with ${started.exitCode}`);
      }
    })();
    await Promise.race([listening, failed]);
  };
  await start();

  return {
    port,
    username: userInfo().username,
    keyFile,
    encryptedKeyFile,
    passphrase,
    hostKey: async () => (await run('ssh-keygen', ['-lf', `${hostKeyFile}.pub`])).stdout.split(' ')[1] ?? '',
    kill,
    start,
    changeHostKey: () => makeKey(hostKeyFile),
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
