import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AgentClient } from '../../appliance-agent/src/cli/agentClient.ts';
import { deployAgent } from '../../electron/appliance/deployment.ts';
import type { ApplianceProfile } from '../../electron/ipc/profiles.ts';
import type { QemuMachine } from '../lab/qemu/qemuMachine.ts';
import { BootedGuest, patienceMs } from './bootedGuest.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const bundle = join(root, 'resources', 'agent', 'ossea-agent-linux.tar.gz');
const apiSocket = '/run/ossea-agent/api.sock';
const pollMs = 1_000;

/** The appliance of a cloud that boots its VMs: reached as the console reaches it, over SSH and the agent's socket. */
export class BootedAppliance implements AsyncDisposable {
  readonly #guest: BootedGuest;
  readonly #profile: ApplianceProfile;
  readonly #gate: net.Server;
  readonly #folder: string;
  #token = '';

  private constructor(guest: BootedGuest, keyFile: string, folder: string) {
    const { host, port, username, hostKey } = guest.hop;
    const now = new Date().toISOString();
    this.#guest = guest;
    this.#folder = folder;
    this.#profile = {
      ...{ kind: 'appliance', id: randomUUID(), name: 'appliance', createdAt: now, updatedAt: now },
      ...{ host, port, username, hostKey, hasSecret: false },
      authentication: { method: 'key-file', path: keyFile },
      ...{ jumpHosts: [], jumpHostKeys: {}, socketPath: apiSocket },
    };
    this.#gate = net.createServer((socket) => this.#lead(socket));
  }

  /** Waits until the machine's SSH server answers. @throws Error with the end of its serial console where it does not */
  static async reach(machine: QemuMachine, keyFile: string): Promise<BootedAppliance> {
    const guest = await BootedGuest.reach(machine, keyFile);
    const folder = await mkdtemp(join(tmpdir(), 'appliance-'));
    const appliance = new BootedAppliance(guest, keyFile, folder);
    await new Promise<void>((resolve) => appliance.#gate.listen(appliance.#socketPath, resolve));
    return appliance;
  }

  /**
   * Installs the agent as the console does: the bundle goes over, systemd starts it, a token is made.
   * @throws Error with the last words of the installation
   */
  async install(): Promise<void> {
    await run(process.execPath, [join(root, 'build', 'agentBundle', 'main.ts')], { cwd: root });
    const lastWords: string[] = [];
    try {
      await deployAgent(
        {
          profile: this.#profile,
          hops: [this.#guest.hop],
          bundle,
          onProgress: ({ step, output }) => lastWords.push(`${step}: ${output}`),
          keepToken: (token) => {
            this.#token = token;
            return Promise.resolve();
          },
          reachAgent: () => this.answers(),
        },
        AbortSignal.timeout(patienceMs),
      );
    } catch (error) {
      throw new Error(`the installation failed:\n${lastWords.slice(-20).join('\n')}`, { cause: error });
    }
  }

  /** The agent's API with the token that the installation made. */
  get client(): AgentClient {
    return new AgentClient({ socketPath: this.#socketPath, token: this.#token });
  }

  /** Resolves when the agent works. @throws Error when it does not in time */
  async answers(): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        if ((await this.client.call('health', {})).status !== 'starting') return;
      } catch (error) {
        if (!this.#guest.machine.isOn || performance.now() > deadline) throw error;
      }
      await delay(pollMs);
    }
  }

  /** Runs a shell command as the guest's root. @throws Error where it fails */
  command(line: string): Promise<string> {
    return this.#guest.command(line);
  }

  /** Resets the machine as a power cut would, and waits for the agent to be back. */
  async powerCut(): Promise<void> {
    await this.#guest.powerCut();
    await this.answers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guest[Symbol.asyncDispose]();
    await new Promise((resolve) => this.#gate.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #socketPath(): string {
    return join(this.#folder, 'api.sock');
  }

  /** Leads a client of the local socket to the agent's. */
  #lead(socket: net.Socket): void {
    socket.on('error', () => socket.destroy());
    this.#guest
      .connect()
      .then((connection) => connection.openSocket(apiSocket))
      .then((channel) => {
        channel.on('error', () => socket.destroy());
        channel.on('close', () => socket.destroy());
        socket.on('close', () => channel.destroy());
        socket.pipe(channel).pipe(socket);
      })
      .catch(() => socket.destroy());
  }
}
