import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, ConnectConfig, SFTPWrapper } from 'ssh2';
import { OsseaError } from '../../appliance-agent/src/contract/index.ts';
import type { SshAuthentication } from '../ipc/contract.ts';
import { HostKeyError, hostKeyFingerprint, hostKeyType } from './hostKey.ts';

/** One SSH server on the way, the last one being the appliance. */
export interface SshHop {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly authentication: SshAuthentication;
  /** Of the `password` method. */
  readonly password?: string | undefined;
  /** Of an encrypted key file. */
  readonly passphrase?: string | undefined;
  /** The profile's entry for this jump host; undefined for the appliance itself. */
  readonly jumpHost?: string | undefined;
  /** The trusted key, `SHA256:…`; undefined where none is trusted yet, which refuses every key. */
  readonly hostKey: string | undefined;
}

const connectTimeoutMs = 15_000;
const farewellTimeoutMs = 2_000;

/**
 * A logged-in SSH connection through any number of hops. Two things make it fast (without them every request costs 40 ms
 * of Nagle's algorithm and delayed acknowledgement): TCP_NODELAY on our side, and a session channel that is open from
 * the start, as sshd sets nodelay on its side only then.
 */
export class SshConnection implements AsyncDisposable {
  readonly #clients: readonly Client[];
  readonly #target: Client;
  #closed = false;
  #reason: Error | undefined;
  readonly #onClose = new Set<(reason: Error | undefined) => void>();

  private constructor(clients: readonly Client[], target: Client) {
    this.#clients = clients;
    this.#target = target;
    for (const client of clients) {
      client.on('error', (error) => {
        this.#reason ??= error;
      });
      client.once('close', () => this.#close());
    }
  }

  /**
   * Connects hop by hop and opens the session channel.
   * @throws HostKeyError where a host key is unknown or changed; OsseaError `tunnel.unreachable`, `tunnel.authentication`
   */
  static async open(hops: readonly SshHop[], signal: AbortSignal): Promise<SshConnection> {
    const clients: Client[] = [];
    try {
      let socket: Duplex | undefined;
      for (const [index, hop] of hops.entries()) {
        socket ??= await dial(hop, signal);
        const client = await login(hop, socket, signal);
        clients.push(client);
        const next = hops[index + 1];
        if (next) socket = await forwardTo(client, next);
      }
      const target = clients.at(-1);
      if (!target) throw new TypeError('An SSH connection needs at least one hop');
      const connection = new SshConnection(clients, target);
      await connection.#openSession();
      return connection;
    } catch (error) {
      for (const client of clients.reverse()) client.end();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back once when the connection has ended, at once if it has. */
  onClose(listener: (reason: Error | undefined) => void): void {
    if (this.#closed) listener(this.#reason);
    else this.#onClose.add(listener);
  }

  /** A new stream to a Unix socket of the appliance (`direct-streamlocal@openssh.com`). No local port is involved. */
  openSocket(path: string): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(tunnelClosed(this.#reason));
      this.#target.openssh_forwardOutStreamLocal(path, (error, channel) => {
        if (!error) return resolve(channel);
        reject(
          new OsseaError('tunnel.closed', `The agent's socket ${path} cannot be opened: ${error.message}.`, {
            remedy:
              'See that ossea-agent runs on the appliance, that the SSH user may open its socket (group ossea), and that sshd allows AllowStreamLocalForwarding.',
            retryable: true,
            cause: error,
          }),
        );
      });
    });
  }

  /** Starts a command on the appliance. */
  exec(command: string): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(tunnelClosed(this.#reason));
      this.#target.exec(command, (error, channel) =>
        error ? reject(error) : resolve(channel.on('error', () => undefined)),
      );
    });
  }

  /** Opens an SFTP session, for uploads. */
  sftp(): Promise<SFTPWrapper> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(tunnelClosed(this.#reason));
      this.#target.sftp((error, sftp) =>
        error ? reject(error) : resolve(sftp.on('error', () => undefined)),
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise<void>((resolve) => this.onClose(() => resolve()));
    for (const client of [...this.#clients].reverse()) client.end();
    // A server that does not take its leave is left.
    const impatience = setTimeout(() => this.#close(), farewellTimeoutMs);
    await ended;
    clearTimeout(impatience);
  }

  /** A session that only waits for its input to end. Where `exec` is forbidden, a refused one does no harm. */
  async #openSession(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#target.exec('cat', (error, channel) => {
        if (!error) channel.on('data', () => undefined).stderr.on('data', () => undefined);
        resolve();
      });
    });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const client of this.#clients) client.destroy();
    for (const listener of this.#onClose) listener(this.#reason);
    this.#onClose.clear();
  }
}

function dial(hop: SshHop, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: hop.host, port: hop.port, noDelay: true, keepAlive: true });
    const giveUp = (error: Error) => {
      socket.destroy();
      reject(unreachable(hop, error));
    };
    const timer = setTimeout(() => giveUp(new Error('it did not answer in time')), connectTimeoutMs);
    const abort = () => giveUp(new Error('the attempt was cancelled'));
    signal.addEventListener('abort', abort, { once: true });
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    socket.once('error', (error) => {
      settle();
      giveUp(error);
    });
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}

async function authenticationOf(hop: SshHop): Promise<Partial<ConnectConfig>> {
  switch (hop.authentication.method) {
    case 'password':
      return { password: hop.password ?? '', tryKeyboard: true };
    case 'agent': {
      const agent =
        process.platform === 'win32' ? '\\\\.\\pipe\\openssh-ssh-agent' : process.env.SSH_AUTH_SOCK;
      if (agent) return { agent };
      throw new OsseaError('tunnel.authentication', 'No ssh-agent is running.', {
        field: 'authentication',
        remedy: 'Start ssh-agent and add the key with ssh-add, or choose a key file.',
      });
    }
    case 'key-file': {
      const { path } = hop.authentication;
      try {
        const privateKey = await readFile(path);
        return { privateKey, ...(hop.passphrase !== undefined && { passphrase: hop.passphrase }) };
      } catch (error) {
        throw new OsseaError('tunnel.authentication', `The key file ${path} cannot be read.`, {
          field: 'authentication.path',
          value: path,
          remedy: 'Choose the private key file again.',
          cause: error,
        });
      }
    }
  }
}

async function login(hop: SshHop, sock: Duplex, signal: AbortSignal): Promise<Client> {
  const authentication = await authenticationOf(hop);
  // Loaded with the first connection: the window does not wait for it.
  const ssh2 = await import('ssh2');
  const client = new ssh2.Client();
  // Its errors are many: of a socket that is given up already, or of a jump host while the next one logs in. One that nobody hears ends
  // the program; what comes of each is told by its end.
  client.on('error', () => undefined);
  let hostKeyError: HostKeyError | undefined;
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      signal.removeEventListener('abort', abort);
      client.removeAllListeners('close').destroy();
      sock.destroy();
      reject(hostKeyError ?? loginError(hop, error));
    };
    const abort = () => fail(new Error('The attempt was cancelled'));
    signal.addEventListener('abort', abort, { once: true });
    client.once('error', fail);
    client.once('close', () => fail(new Error('the server closed the connection')));
    client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) =>
      answer(prompts.map(() => hop.password ?? '')),
    );
    client.once('ready', () => {
      signal.removeEventListener('abort', abort);
      client.removeListener('error', fail).removeAllListeners('close');
      resolve(client);
    });
    try {
      client.connect({
        ...authentication,
        sock,
        username: hop.username,
        readyTimeout: connectTimeoutMs,
        keepaliveInterval: 10_000,
        keepaliveCountMax: 3,
        // AES-GCM first: it is the fastest that Electron's crypto offers.
        algorithms: {
          cipher: { prepend: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'], append: [], remove: [] },
        },
        hostVerifier: (key: Buffer) => {
          const fingerprint = hostKeyFingerprint(key);
          if (fingerprint === hop.hostKey) return true;
          hostKeyError = new HostKeyError({
            host: hop.port === 22 ? hop.host : `[${hop.host}]:${hop.port}`,
            fingerprint,
            keyType: hostKeyType(key),
            ...(hop.jumpHost !== undefined && { jumpHost: hop.jumpHost }),
            ...(hop.hostKey !== undefined && { trusted: hop.hostKey }),
          });
          return false;
        },
      });
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function forwardTo(client: Client, next: SshHop): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, next.host, next.port, (error, channel) =>
      error ? reject(unreachable(next, error)) : resolve(channel),
    );
  });
}

/** The operating system's reasons, as people say them. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut off',
  EHOSTUNREACH: 'no network leads there',
  ENETUNREACH: 'no network leads there',
  ENOTFOUND: 'nobody knows this name',
  EAI_AGAIN: 'names cannot be looked up now',
  ETIMEDOUT: 'it did not answer in time',
};

function unreachable(hop: SshHop, cause: Error): OsseaError {
  const why = reasons['code' in cause ? String(cause.code) : ''] ?? cause.message;
  return new OsseaError('tunnel.unreachable', `${hop.host} port ${hop.port} cannot be reached: ${why}.`, {
    remedy: 'See that the appliance is on, that its address is right, and that SSH is allowed on the way.',
    retryable: true,
    cause,
  });
}

/** ssh2 tells what failed by `level`; texts of its key parser are the rest. */
function loginError(hop: SshHop, error: Error): OsseaError {
  if ('level' in error && error.level === 'client-authentication') {
    return new OsseaError('tunnel.authentication', `${hop.host} refused the login of ${hop.username}.`, {
      remedy: 'Correct the user name, the password or the key of the appliance.',
      cause: error,
    });
  }
  if (/passphrase|bad decrypt|Encrypted (private )?OpenSSH/i.test(error.message)) {
    return new OsseaError(
      'tunnel.authentication',
      `The key file for ${hop.host} is encrypted, and the passphrase does not fit.`,
      {
        field: 'passphrase',
        remedy: 'Type the passphrase of the key file again.',
      },
    );
  }
  if (/Cannot parse privateKey/i.test(error.message)) {
    return new OsseaError(
      'tunnel.authentication',
      `The key file for ${hop.host} is not a private key that SSH knows.`,
      {
        field: 'authentication.path',
        remedy: 'Choose the private key, not the .pub file.',
      },
    );
  }
  return unreachable(hop, error);
}

function tunnelClosed(cause: Error | undefined): OsseaError {
  return new OsseaError('tunnel.closed', 'The SSH connection to the appliance has ended.', {
    remedy: 'The console connects again by itself.',
    retryable: true,
    cause,
  });
}
