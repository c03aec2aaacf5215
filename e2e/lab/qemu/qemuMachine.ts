import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  blockNode,
  diskDevice,
  hardwareOptions,
  type MachineDisk,
  type MachineHardware,
} from './hardware.ts';
import { Qmp, QmpError } from './qmp.ts';

const program = '/usr/bin/qemu-system-x86_64';
const startTimeoutMs = 60_000;
/** How long a guest has to give a disk back. */
const unplugTimeoutMs = 60_000;

/** Whether VMs can run for real here. */
export function qemuIsThere(): Promise<boolean> {
  return access(program).then(
    () => true,
    () => false,
  );
}

/** A PC that qemu interprets (TCG), as KVM cannot be counted on. Disposing it cuts its power. */
export class QemuMachine implements AsyncDisposable {
  readonly hardware: MachineHardware;
  /** Resolves when the machine is off, whoever did that, with qemu's status or signal and its last words. */
  readonly ended: Promise<string>;
  /** Where qemu serves the screen by VNC. */
  readonly screenSocket: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #qmp: Qmp;
  #lastSerialLog: string | undefined;

  private constructor(
    folder: string,
    hardware: MachineHardware,
    child: ChildProcess,
    ended: Promise<string>,
    qmp: Qmp,
  ) {
    this.#folder = folder;
    this.hardware = hardware;
    this.#process = child;
    this.ended = ended;
    this.#qmp = qmp;
    this.screenSocket = path.join(folder, 'screen');
  }

  /**
   * Powers a machine on; it boots meanwhile.
   * @throws Error with qemu's words where it does not start
   */
  static async start(hardware: MachineHardware): Promise<QemuMachine> {
    // A short path: those of Unix sockets are limited to 108 bytes.
    const folder = await mkdtemp(path.join(tmpdir(), 'qemu-'));
    const child = spawn(
      'setpriv',
      [
        // It ends with this process, however that ends.
        ...['--pdeathsig', 'SIGKILL', program],
        // A plain CPU costs a third less than one with all that can be interpreted.
        ...['-accel', 'tcg', '-cpu', 'qemu64', '-nodefaults', '-no-user-config'],
        ...['-name', hardware.name],
        ...['-display', 'none', '-vga', 'std', '-vnc', `unix:${path.join(folder, 'screen')}`],
        ...['-serial', `file:${path.join(folder, 'serial.log')}`],
        ...['-qmp', `unix:${path.join(folder, 'qmp')},server=on,wait=off`],
        ...hardwareOptions(hardware),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4000);
    });
    const ended = once(child, 'close').then(([status, signal]) => `${signal ?? status} ${words.trim()}`);
    try {
      const qmp = await connectWhenReady(path.join(folder, 'qmp'), child);
      for (const nic of hardware.nics)
        if (!nic.linkUp) await qmp.execute('set_link', { name: nic.id, up: false });
      return new QemuMachine(folder, hardware, child, ended, qmp);
    } catch (error) {
      child.kill('SIGKILL');
      await ended.catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
      throw new Error(`${hardware.name} does not start: ${words.trim()}`, { cause: error });
    }
  }

  get isOn(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** What the guest wrote to its serial console so far. */
  async serialLog(): Promise<string> {
    return this.#lastSerialLog ?? readFile(path.join(this.#folder, 'serial.log'), 'utf8');
  }

  /** The loopback port that leads to a forwarded port of the guest. @throws Error for a port that is not forwarded */
  async hostPort(guestPort: number): Promise<number> {
    const table = await this.#qmp.execute('human-monitor-command', { 'command-line': 'info usernet' });
    for (const line of String(table).split('\r\n')) {
      const [kind, , , from, , to] = line.trim().split(/\s+/);
      if (kind === 'TCP[HOST_FORWARD]' && to === String(guestPort)) return Number(from);
    }
    throw new Error(`port ${guestPort} of ${this.hardware.name} is not forwarded`);
  }

  /** A connection to the screen, which speaks RFB. */
  async openScreen(): Promise<net.Socket> {
    const socket = net.connect(this.screenSocket);
    await once(socket, 'connect');
    return socket;
  }

  /** Presses the power button: the guest shuts down, if it listens. `ended` tells when it has. */
  async pressPowerButton(): Promise<void> {
    await this.#qmp.execute('system_powerdown');
  }

  async reset(): Promise<void> {
    await this.#qmp.execute('system_reset');
  }

  async setLink(nicId: string, up: boolean): Promise<void> {
    await this.#qmp.execute('set_link', { name: nicId, up });
  }

  /** Plugs a virtio disk in, as KVM does. @throws QmpError when no slot is free, or the file cannot be opened */
  async plug(disk: MachineDisk): Promise<void> {
    await this.#qmp.execute('blockdev-add', blockNode(disk));
    try {
      await this.#qmp.execute('device_add', diskDevice({ ...disk, bus: 'virtio' }, 0));
    } catch (error) {
      await this.#qmp.execute('blockdev-del', { 'node-name': disk.id }).catch(() => undefined);
      throw error;
    }
  }

  /** Asks the guest to give a disk back, and waits until it has. @throws Error when it does not */
  async unplug(diskId: string): Promise<void> {
    const until = new AbortController();
    const isOut = new Promise<void>((resolve) => {
      const listen = (data: Record<string, unknown>) => data.device === diskId && resolve();
      this.#qmp.on('DEVICE_DELETED', listen);
      until.signal.addEventListener('abort', () => this.#qmp.off('DEVICE_DELETED', listen));
    });
    const tooLate = delay(unplugTimeoutMs, 'late', { signal: until.signal }).catch(() => 'late');
    try {
      await this.#qmp.execute('device_del', { id: diskId });
      if ((await Promise.race([isOut, tooLate, this.ended])) === 'late') {
        throw new Error(`the guest of ${this.hardware.name} did not give ${diskId} back`);
      }
    } finally {
      until.abort();
    }
    // The last reads and writes of the device may still hold the node for a moment.
    while (this.isOn && !(await this.#dropNode(diskId))) await delay(25);
  }

  async #dropNode(diskId: string): Promise<boolean> {
    try {
      await this.#qmp.execute('blockdev-del', { 'node-name': diskId });
      return true;
    } catch (error) {
      if (error instanceof QmpError && /in use/.test(error.message)) return false;
      throw error;
    }
  }

  /** Cuts the power. */
  async powerOff(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    this.#qmp.close();
    this.#lastSerialLog ??= await this.serialLog();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function connectWhenReady(socketPath: string, child: ChildProcess): Promise<Qmp> {
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    try {
      return await Qmp.connect(socketPath);
    } catch (error) {
      const over = child.exitCode !== null || child.signalCode !== null || performance.now() > deadline;
      if (error instanceof QmpError || over) throw error;
      await delay(25);
    }
  }
}
