import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Nic } from './model.ts';

const run = promisify(execFile);
const ip = (...words: string[]) => run('ip', words);

/** Accepts connections in a network namespace until its input ends. */
const listener = `
  const [address, port] = process.argv.slice(1);
  const server = require('node:net').createServer((socket) => socket.end());
  server.listen(Number(port), address, () => process.stdout.write('ready'));
  process.stdin.resume().on('end', () => process.exit());`;

/**
 * Networks of the cloud that exist in this machine's kernel: each is a namespace with the guests' addresses in it, and a NIC of the appliance is a pair of
 * virtual interfaces, one end among the machine's own, with the NIC's MAC address, and the other in the namespace. Needs root and iproute2.
 */
export class Wires implements AsyncDisposable {
  readonly #token: string;
  /** Namespaces by network id. */
  readonly #networks = new Map<string, Promise<string>>();
  readonly #plugged = new Map<string, { namespace: string; far: string }>();

  /** @param token of this cloud, of letters and digits, as several may run on one machine */
  constructor(token: string) {
    this.#token = token;
  }

  /** Lets a NIC appear. */
  async plug(nic: Nic, prefix: string | undefined): Promise<void> {
    const namespace = await this.#namespaceOf(nic.networkId);
    const [near, far] = [`lab${nic.mac.replaceAll(':', '')}`, `far${nic.mac.replaceAll(':', '')}`];
    await ip(
      'link',
      'add',
      near,
      'address',
      nic.mac,
      ...`type veth peer name ${far} netns`.split(' '),
      namespace,
    );
    await ip('-n', namespace, 'link', 'set', far, 'up');
    if (prefix !== undefined) await ip('-n', namespace, 'route', 'replace', `${prefix}.0/24`, 'dev', far);
    this.#plugged.set(nic.id, { namespace, far });
  }

  /** Takes a NIC away, wherever its near end was moved to. */
  async unplug(nic: Nic): Promise<void> {
    const plugged = this.#plugged.get(nic.id);
    if (plugged === undefined) return;
    this.#plugged.delete(nic.id);
    // Who deleted the namespace that the near end was in deleted both ends.
    await ip('-n', plugged.namespace, 'link', 'delete', plugged.far).catch(() => undefined);
  }

  /** Lets a guest answer to ping at its address, and accept TCP at a port, until it is disposed of. */
  async answer(nic: Nic, port: number): Promise<AsyncDisposable> {
    const namespace = await this.#namespaceOf(nic.networkId);
    const address = nic.ip;
    if (address === undefined) throw new Error(`the NIC ${nic.mac} has no address`);
    await ip('-n', namespace, 'address', 'replace', `${address}/32`, 'dev', 'lo');
    const child = spawn(
      'nsenter',
      [`--net=/run/netns/${namespace}`, '--', process.execPath, '-e', listener, address, String(port)],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error(`no guest could listen at ${address}`))),
    ]);
    return {
      [Symbol.asyncDispose]: async () => {
        const ended = once(child, 'exit');
        child.stdin.end();
        await ended;
        await ip('-n', namespace, 'address', 'delete', `${address}/32`, 'dev', 'lo');
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of await Promise.all(this.#networks.values()))
      await ip('netns', 'delete', namespace);
    this.#networks.clear();
  }

  #namespaceOf(networkId: string): Promise<string> {
    const known = this.#networks.get(networkId);
    if (known !== undefined) return known;
    const namespace = `lab-${this.#token}-${this.#networks.size}`;
    const made = ip('netns', 'add', namespace)
      .then(() => ip('-n', namespace, 'link', 'set', 'lo', 'up'))
      .then(() => namespace);
    this.#networks.set(networkId, made);
    return made;
  }
}
