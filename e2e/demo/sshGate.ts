import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { hostKeyFingerprint } from '../../electron/tunnel/hostKey.ts';

/** An SSH server that lets one key in, and from there to Unix sockets and nowhere else: the demo's stand-in for an appliance's. */
export interface SshGate extends AsyncDisposable {
  readonly port: number;
  readonly username: string;
  readonly keyFile: string;
  /** `SHA256:…` of its host key. */
  readonly hostKey: string;
}

function newKey(): { readonly privateKey: string; readonly publicKey: ssh2.ParsedKey } {
  const { private: privateKey } = ssh2.utils.generateKeyPairSync('ed25519');
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  return { privateKey, publicKey: parsed };
}

/** Starts it on a loopback port; its keys are made for it and the client's is written to `folder`. */
export async function openSshGate(folder: string): Promise<SshGate> {
  const host = newKey();
  const client = newKey();
  const keyFile = join(folder, 'id');
  await writeFile(keyFile, client.privateKey, { mode: 0o600 });
  const connections = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [host.privateKey] }, (connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    // A client that breaks off ends its connection, nothing else.
    connection.on('error', () => connections.delete(connection));
    connection.on('authentication', (attempt) => {
      const known =
        attempt.method === 'publickey' && attempt.key.data.equals(client.publicKey.getPublicSSH());
      if (!known) return attempt.reject(['publickey']);
      if (attempt.signature && attempt.blob) {
        const verified = client.publicKey.verify(attempt.blob, attempt.signature, attempt.hashAlgo);
        if (verified !== true) return attempt.reject(['publickey']);
      }
      attempt.accept();
    });
    connection.on('session', (accept) => {
      const session = accept();
      // The session that the tunnel keeps open; no command is run.
      session.on('exec', (acceptExec) => acceptExec());
    });
    connection.on('openssh.streamlocal', (accept, reject, { socketPath }) => {
      const socket = net.connect(socketPath);
      socket.once('error', () => reject());
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        const channel = accept();
        socket.on('error', () => channel.end());
        channel.on('error', () => socket.destroy());
        socket.pipe(channel).pipe(socket);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The SSH gate has no port');
  return {
    port: address.port,
    username: 'demo',
    keyFile,
    hostKey: hostKeyFingerprint(host.publicKey.getPublicSSH()),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const connection of connections) connection.end();
      await closed;
    },
  };
}
