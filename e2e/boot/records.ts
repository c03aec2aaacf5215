import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { QemuMachine } from '../lab/qemu/qemuMachine.ts';
import { recordsPort } from './debianGuest.ts';

/** What the guest's log says. */
export interface RecordsLog {
  /** Records from 0 on, without a gap. */
  count: number;
  /** Each start of the system, with what it ran on, oldest first. */
  starts: { root: string; data: string; nic: string; mac: string; atRecord: number }[];
}

const pollMs = 250;
const requestTimeoutMs = 10_000;

/** @throws Error naming the line where a record is missing, doubled or torn */
export function parseRecords(text: string): RecordsLog {
  const log: RecordsLog = { count: 0, starts: [] };
  for (const line of text.split('\n').slice(0, -1)) {
    const start = /^start root=(\S+) data=(\S+) nic=(\S+) mac=(\S+)$/.exec(line);
    if (start !== null) {
      const [, root = '', data = '', nic = '', mac = ''] = start;
      log.starts.push({ root, data, nic, mac, atRecord: log.count });
    } else if (line === `record ${log.count}`) log.count += 1;
    else throw new Error(`instead of record ${log.count} the log has: ${line}`);
  }
  return log;
}

/** Asks the guest for its log; undefined while it does not answer. */
async function askForRecords(machine: QemuMachine): Promise<RecordsLog | undefined> {
  let text: string;
  try {
    const port = await machine.hostPort(recordsPort);
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    text = await answer.text();
  } catch {
    return undefined;
  }
  return parseRecords(text);
}

/**
 * The guest's log, as soon as it answers.
 * @throws Error with the end of its serial console where it does not in time, or powers off
 */
export async function readRecords(machine: QemuMachine, timeoutMs = 600_000): Promise<RecordsLog> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const log = await askForRecords(machine);
    if (log !== undefined) return log;
    if (!machine.isOn || performance.now() > deadline) {
      const state = machine.isOn ? 'does not answer' : `is off: ${await machine.ended}`;
      throw new Error(
        `the guest ${state}; its serial console ends with:\n${(await machine.serialLog()).slice(-2000)}`,
      );
    }
    await delay(pollMs);
  }
}

/**
 * A port of loopback that opens once the guest answers, and not before: qemu's own forwarding accepts connections as soon as the
 * machine is on. For a boot check that has to name a port before there is a machine.
 */
export class Doorbell implements AsyncDisposable {
  readonly port: number;
  readonly #machine: () => QemuMachine | undefined;
  readonly #ended = new AbortController();
  readonly #watching: Promise<void>;
  #server: Server | undefined;

  private constructor(port: number, machine: () => QemuMachine | undefined) {
    this.port = port;
    this.#machine = machine;
    this.#watching = this.#watch();
  }

  /** @param machine what answers; asked until it is there */
  static async hang(machine: () => QemuMachine | undefined): Promise<Doorbell> {
    const server = await listen(0);
    const address = server.address();
    await close(server);
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new Doorbell(address.port, machine);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#watching;
    if (this.#server !== undefined) await close(this.#server);
  }

  async #watch(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const machine = this.#machine();
      if (machine !== undefined && (await askForRecords(machine)) !== undefined) {
        this.#server = await listen(this.port);
        return;
      }
      await delay(pollMs);
    }
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
