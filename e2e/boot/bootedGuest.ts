import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SshConnection, type SshHop } from '../../electron/tunnel/sshConnection.ts';
import type { QemuMachine } from '../lab/qemu/qemuMachine.ts';
import { sshPort } from './debianGuest.ts';

const run = promisify(execFile);
const pollMs = 250;
/** A guest is interpreted, on a machine that does other things too. */
export const patienceMs = 900_000;

const readBootId = 'cat /proc/sys/kernel/random/boot_id';

/** The guest of a machine, reached over SSH as its root, by the console's own connection. */
export class BootedGuest implements AsyncDisposable {
  readonly machine: QemuMachine;
  readonly hop: SshHop;
  #connection: Promise<SshConnection> | undefined;

  private constructor(machine: QemuMachine, hop: SshHop) {
    this.machine = machine;
    this.hop = hop;
  }

  /**
   * Waits until the machine's SSH server answers.
   * @throws Error with the end of its serial console where it does not
   */
  static async reach(machine: QemuMachine, keyFile: string): Promise<BootedGuest> {
    const port = await machine.hostPort(sshPort);
    return new BootedGuest(machine, {
      ...{ host: '127.0.0.1', port, username: 'root' },
      authentication: { method: 'key-file', path: keyFile },
      hostKey: await waitForHostKey(machine, port),
    });
  }

  /** Runs a shell command and answers its output. @throws Error with its errors where it fails */
  async command(line: string): Promise<string> {
    const connection = await this.connect();
    const channel = await connection.exec(line);
    const exit = new Promise<number>((resolve) => channel.once('exit', resolve));
    const [output, errors, status] = await Promise.all([text(channel), text(channel.stderr), exit]);
    if (status !== 0) throw new Error(`${line} ended with ${status}: ${errors}`);
    return output;
  }

  /** The connection, made anew where it has ended. */
  connect(): Promise<SshConnection> {
    this.#connection ??= this.#open();
    return this.#connection;
  }

  /** Resets the machine as a power cut would, and waits for its SSH server. */
  async powerCut(): Promise<void> {
    const before = await this.command(readBootId);
    await this.machine.reset();
    await this.#disconnect();
    await waitForHostKey(this.machine, this.hop.port);
    if ((await this.command(readBootId)) === before) throw new Error('the machine was not reset');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disconnect();
  }

  #open(): Promise<SshConnection> {
    const forget = () => {
      if (this.#connection === opening) this.#connection = undefined;
    };
    const opening = SshConnection.open([this.hop], AbortSignal.timeout(patienceMs));
    opening.then((connection) => connection.onClose(forget), forget);
    return opening;
  }

  async #disconnect(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }
}

/** The host key's fingerprint as OpenSSH tells it, once the server answers. */
async function waitForHostKey(machine: QemuMachine, port: number): Promise<string> {
  const deadline = performance.now() + patienceMs;
  const folder = await mkdtemp(join(tmpdir(), 'host-key-'));
  const file = join(folder, 'host_key.pub');
  try {
    for (;;) {
      const scan = ['-T', '20', '-t', 'ed25519', '-p', String(port), '127.0.0.1'];
      const { stdout } = await run('ssh-keyscan', scan).catch(() => ({ stdout: '' }));
      if (stdout.includes('ssh-ed25519')) {
        await writeFile(file, stdout);
        return (await run('ssh-keygen', ['-lf', file])).stdout.split(' ')[1] ?? '';
      }
      if (!machine.isOn || performance.now() > deadline) {
        throw new Error(`no SSH server answers:\n${(await machine.serialLog()).slice(-2000)}`);
      }
      await delay(pollMs);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
