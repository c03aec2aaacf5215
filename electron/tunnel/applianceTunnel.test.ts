import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import axios from 'axios';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type SshServer, startSshServer } from '../../e2e/lab/ssh/sshServer.ts';
import type { ApplianceState, ApplianceStatus } from '../ipc/contract.ts';
import { ApplianceTunnel, type TunnelOptions } from './applianceTunnel.ts';
import { hostKeyFingerprint } from './hostKey.ts';
import { SshConnection, type SshHop } from './sshConnection.ts';

let ssh: SshServer;
let folder: string;
let socketPath: string;
/** How long the agent thinks before it answers. */
let slowMs = 0;
const agent = http.createServer(async (request, response) => {
  await pause(slowMs);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ version: '1.2.3', path: request.url, padding: 'x'.repeat(60_000) }));
});

beforeAll(async () => {
  ssh = await startSshServer();
  folder = await mkdtemp(join(tmpdir(), 'tunnel-'));
  socketPath = join(folder, 'api.sock');
  await new Promise<void>((resolve) => agent.listen(socketPath, resolve));
});
afterAll(async () => {
  agent.close();
  await ssh[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A real ssh-agent that holds one key. */
async function startSshAgent(keyFile: string): Promise<{ socket: string } & AsyncDisposable> {
  const socket = join(folder, 'ssh-agent.sock');
  const program = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  await vi.waitFor(() => expect(existsSync(socket)).toBe(true), { timeout: 5000, interval: 20 });
  await promisify(execFile)('ssh-add', [keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  return {
    socket,
    async [Symbol.asyncDispose]() {
      const exited = once(program, 'exit');
      program.kill();
      await exited;
    },
  };
}

async function hop(change: Partial<SshHop> = {}): Promise<SshHop> {
  return {
    host: '127.0.0.1',
    port: ssh.port,
    username: ssh.username,
    authentication: { method: 'key-file', path: ssh.keyFile },
    hostKey: await ssh.hostKey(),
    ...change,
  };
}

function openTunnel(hops: () => Promise<readonly SshHop[]>, more: Partial<TunnelOptions> = {}) {
  const history: ApplianceStatus[] = [];
  const tunnel = new ApplianceTunnel({
    applianceId: '0b1e2b38-54d1-4b11-9c5a-7d1c0f6ad001',
    hops,
    socketPath,
    onStatus: (status) => history.push(status),
    onOnline: () => undefined,
    ...more,
  });
  const reaches = (state: ApplianceState) =>
    vi.waitFor(() => expect(tunnel.status.state).toBe(state), { timeout: 15_000, interval: 20 });
  tunnel.connect();
  return { tunnel, history, reaches };
}

describe('a tunnel', () => {
  it('carries requests to the socket of the agent, none of them slowed down by delayed acknowledgements', async () => {
    const { tunnel, reaches } = openTunnel(async () => [await hop()]);
    await using _tunnel = tunnel;
    await reaches('online');
    expect(tunnel.status).toMatchObject({ agentVersion: '1.2.3' });
    const client = axios.create({ baseURL: 'http://agent', httpAgent: tunnel.agent, proxy: false });
    const times: number[] = [];
    for (let request = 0; request < 20; request++) {
      const started = performance.now();
      const { data } = await client.get(`/v1/jobs/${request}`);
      times.push(performance.now() - started);
      expect(data.path).toBe(`/v1/jobs/${request}`);
    }
    times.sort((a, b) => a - b);
    // With the delay none would take less than 40 ms; on a busy machine many may take longer without it.
    expect(times[3]).toBeLessThan(30);
  });

  it('goes through a jump host, with an encrypted key', async () => {
    const { tunnel, reaches } = openTunnel(async () => [
      await hop(),
      await hop({
        authentication: { method: 'key-file', path: ssh.encryptedKeyFile },
        passphrase: ssh.passphrase,
      }),
    ]);
    await using _tunnel = tunnel;
    await reaches('online');
  });

  it('goes through a chain of jump hosts, each with its own host key', async () => {
    const through = { ...(await hop()), jumpHost: 'first' };
    const { tunnel, reaches } = openTunnel(async () => [
      through,
      { ...through, jumpHost: 'second' },
      await hop(),
    ]);
    await using _tunnel = tunnel;
    await reaches('online');
  });

  it('logs in with a key that only the ssh-agent knows', async () => {
    await using keys = await startSshAgent(ssh.keyFile);
    vi.stubEnv('SSH_AUTH_SOCK', keys.socket);
    const { tunnel, reaches } = openTunnel(async () => [await hop({ authentication: { method: 'agent' } })]);
    await using _tunnel = tunnel;
    await reaches('online');
    vi.unstubAllEnvs();
  });

  it('is degraded, with its latency, while the agent takes its time, and well again afterwards', async () => {
    slowMs = 900;
    const { tunnel, reaches } = openTunnel(async () => [await hop()]);
    await using _tunnel = tunnel;
    await reaches('degraded');
    expect(tunnel.status.latencyMs).toBeGreaterThan(900);
    slowMs = 0;
    await reaches('online');
  });

  it('ends when it is asked to, wherever it is on its way', async () => {
    for (let delayMs = 0; delayMs < 200; delayMs += 8) {
      const { tunnel } = openTunnel(async () => [await hop()]);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      tunnel.connect();
      await tunnel.disconnect();
      expect(tunnel.status.state).toBe('disconnected');
    }
  });

  it('comes back by itself after the server was killed', async () => {
    const { tunnel, history, reaches } = openTunnel(async () => [await hop()]);
    await using _tunnel = tunnel;
    await reaches('online');
    await ssh.kill();
    await reaches('offline');
    expect(tunnel.status.lastSeen).toBeDefined();
    expect(() => tunnel.agent).toThrow(/not connected/);
    await ssh.start();
    await reaches('online');
    expect(history.map(({ state }) => state)).toContain('offline');
  });
});

describe('what needs a person stops the attempts:', () => {
  it('an unknown host key, with its fingerprint', async () => {
    const { tunnel, reaches } = openTunnel(async () => [await hop({ hostKey: undefined })]);
    await using _tunnel = tunnel;
    await reaches('needs-attention');
    expect(tunnel.status.problem?.code).toBe('tunnel.host-key-unknown');
    expect(tunnel.status.hostKeyQuestion).toMatchObject({
      fingerprint: await ssh.hostKey(),
      keyType: 'ssh-ed25519',
    });
  });

  it('a changed host key, with both fingerprints', async () => {
    const trusted = await ssh.hostKey();
    await ssh.kill();
    await ssh.changeHostKey();
    await ssh.start();
    const { tunnel, reaches } = openTunnel(async () => [await hop({ hostKey: trusted })]);
    await using _tunnel = tunnel;
    await reaches('needs-attention');
    expect(tunnel.status.problem?.code).toBe('tunnel.host-key-changed');
    expect(tunnel.status.hostKeyQuestion).toMatchObject({ fingerprint: await ssh.hostKey(), trusted });
  });

  it('a wrong password', async () => {
    const { tunnel, reaches } = openTunnel(async () => [
      await hop({ authentication: { method: 'password' }, password: 'not the one' }),
    ]);
    await using _tunnel = tunnel;
    await reaches('needs-attention');
    expect(tunnel.status.problem).toMatchObject({ code: 'tunnel.authentication' });
    expect(JSON.stringify(tunnel.status)).not.toContain('not the one');
  });

  it('a wrong passphrase of the key file', async () => {
    const { tunnel, reaches } = openTunnel(async () => [
      await hop({ authentication: { method: 'key-file', path: ssh.encryptedKeyFile }, passphrase: 'wrong' }),
    ]);
    await using _tunnel = tunnel;
    await reaches('needs-attention');
    expect(tunnel.status.problem).toMatchObject({ code: 'tunnel.authentication', field: 'passphrase' });
  });
});

it('a jump host that is lost while the next one logs in ends the attempt, and not the program', async () => {
  const silent = net.createServer((socket) => socket.on('error', () => undefined));
  const gate = net.createServer((socket) => {
    const onward = net.connect(ssh.port, '127.0.0.1').on('error', () => undefined);
    socket
      .on('error', () => undefined)
      .pipe(onward)
      .pipe(socket);
    silent.once('connection', () => socket.resetAndDestroy());
  });
  const portOf = async (server: net.Server) => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return z.object({ port: z.number() }).parse(server.address()).port;
  };
  try {
    const hops = [await hop({ port: await portOf(gate) }), await hop({ port: await portOf(silent) })];
    const opening = SshConnection.open(hops, new AbortController().signal);
    await expect(opening).rejects.toMatchObject({ code: 'tunnel.unreachable' });
  } finally {
    gate.close();
    silent.close();
  }
});

it('a server that lets a channel wait forever is left, and the next connection works', async () => {
  const key = ssh2.utils.generateKeyPairSync('ed25519');
  const parsed = ssh2.utils.parseKey(key.private);
  if (parsed instanceof Error) throw parsed;
  let connections = 0;
  const server = new ssh2.Server({ hostKeys: [key.private] }, (client) => {
    const deaf = ++connections === 1;
    client.on('error', () => undefined).on('authentication', (context) => context.accept());
    client.on('session', (accept) => accept().on('exec', (acceptExec) => acceptExec()));
    client.on('openssh.streamlocal', (accept) => {
      if (deaf) return;
      const channel = accept();
      const socket = net.connect(socketPath);
      socket
        .on('error', () => channel.end())
        .pipe(channel)
        .pipe(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const hostKey = hostKeyFingerprint(parsed.getPublicSSH());
    const { tunnel, history, reaches } = openTunnel(async () => [await hop({ port, hostKey })], {
      probeTimeoutMs: 500,
    });
    await using _tunnel = tunnel;
    await reaches('online');
    expect(connections).toBe(2);
    const lost = history.find(({ state, problem }) => state === 'offline' && problem !== undefined);
    expect(lost?.problem).toMatchObject({
      code: 'tunnel.closed',
      detail: 'The agent did not answer within 0.5 s.',
    });
  } finally {
    server.close();
  }
});

it('an unreachable server is tried again, and the wait is told', async () => {
  const { tunnel, reaches } = openTunnel(async () => [await hop({ port: 1 })]);
  await using _tunnel = tunnel;
  await reaches('offline');
  expect(tunnel.status).toMatchObject({ problem: { code: 'tunnel.unreachable', retryable: true } });
  expect(tunnel.status.retryInSeconds).toBeGreaterThanOrEqual(0);
});
