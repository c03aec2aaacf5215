import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

/** How long the kernel may take to show a NIC that CloudStack has plugged in. Milliseconds. */
const appearanceMs = 60_000;
const lookMs = 50;
const interfaces = '/sys/class/net';
/** One call of `ip`. Milliseconds. */
const callTimeoutMs = 30_000;

/** A place in a test network, as CloudStack gave it. */
export interface TestPlace {
  /** Of the namespace, no longer than a file name. */
  readonly namespace: string;
  /** In lower case, with colons. */
  readonly mac: string;
  readonly address: string;
  readonly prefix: number;
}

/** Links as `ip -json` tells them. */
const Links = z.array(z.object({ ifname: z.string(), address: z.string().optional() }));

/**
 * Makes a network namespace, or finds it. What is in it shares no interface, address or route with the rest of the machine.
 * @throws Error where this process may not, or iproute2 is missing
 */
export async function makeNamespace(name: string, signal: AbortSignal): Promise<void> {
  if (await isUsable(name, signal)) return;
  // A file without a namespace is left where making one was cut off.
  await ip(['netns', 'delete', name], signal).catch(() => signal.throwIfAborted());
  await ip(['netns', 'add', name], signal);
  await ip(['-n', name, 'link', 'set', 'lo', 'up'], signal);
}

/** Deletes a namespace; a NIC that is still in it goes back to the machine, switched off. Resolves also when there is none. */
export async function deleteNamespace(name: string, signal: AbortSignal): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list'], { signal, timeout: callTimeoutMs }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      // Without the program nothing was made.
      if (isMissing(error)) return { stdout: '' };
      throw error;
    },
  );
  if (stdout.split('\n').some((line) => line.split(' ')[0] === name))
    await ip(['netns', 'delete', name], signal);
}

/**
 * Waits for the NIC, moves it into the namespace and gives it its address. There is no route but to its own network. May be repeated.
 * @returns false where the NIC does not appear
 * @throws Error where this process may not
 */
export async function enterTestNetwork(place: TestPlace, signal: AbortSignal): Promise<boolean> {
  const { namespace, mac, address, prefix } = place;
  await makeNamespace(namespace, signal);
  const deadline = performance.now() + appearanceMs;
  for (;;) {
    const inside = await linkWithin(namespace, mac, signal);
    if (inside !== undefined) {
      await ip(['-n', namespace, 'address', 'replace', `${address}/${prefix}`, 'dev', inside], signal);
      await ip(['-n', namespace, 'link', 'set', inside, 'up'], signal);
      return true;
    }
    const isLate = performance.now() >= deadline;
    try {
      if (await moveNic(place, signal)) continue;
    } catch (error) {
      signal.throwIfAborted();
      // udev may give it another name in between.
      if (isLate) throw error;
    }
    if (isLate) return false;
    await setTimeout(lookMs, undefined, { signal });
  }
}

/**
 * Moves the NIC into the namespace as soon as the kernel shows it, until it is told to stop: CloudStack plugs it in long before it says so, and what
 * configures new interfaces on this machine is not to get hold of it. Never rejects.
 */
export async function seizeNic(
  place: Pick<TestPlace, 'namespace' | 'mac'>,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const isMoved = await moveNic(place, stop).catch(() => false);
    if (isMoved) return;
    await setTimeout(lookMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Moves the NIC out of the machine's own network, if it is there. */
async function moveNic(
  { namespace, mac }: Pick<TestPlace, 'namespace' | 'mac'>,
  signal: AbortSignal,
): Promise<boolean> {
  const name = await linkHere(mac);
  if (name === undefined) return false;
  await ip(['link', 'set', name, 'netns', namespace], signal);
  return true;
}

/** The words that run a program within a namespace. */
export function within(namespace: string): readonly string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--'];
}

/** Why a namespace could not be had, and what helps. */
export function whyNoNamespace(error: unknown): { readonly reason: string; readonly remedy: string } {
  if (isMissing(error)) {
    return {
      reason: 'The program ip is not installed on the appliance.',
      remedy: 'Install it with: apt-get install iproute2',
    };
  }
  const said = Object(error).stderr;
  const text = typeof said === 'string' && said.trim() !== '' ? said.trim() : String(error);
  return {
    reason: `The agent cannot keep the test network apart from the appliance’s own: ${text}`,
    remedy: 'Run the agent as root, with the unit that belongs to it.',
  };
}

async function isUsable(name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await ip(['-n', name, 'link', 'set', 'lo', 'up'], signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (isMissing(error)) throw error;
    return false;
  }
}

/** The name of the interface with a MAC address among the machine's own. */
async function linkHere(mac: string): Promise<string | undefined> {
  for (const name of await readdir(interfaces)) {
    // One that vanishes meanwhile is not the one.
    const address = await readFile(join(interfaces, name, 'address'), 'utf8').catch(() => '');
    if (address.trim().toLowerCase() === mac) return name;
  }
  return undefined;
}

async function linkWithin(namespace: string, mac: string, signal: AbortSignal): Promise<string | undefined> {
  const links = Links.parse(
    JSON.parse((await ip(['-n', namespace, '-json', 'link', 'show'], signal)) || '[]'),
  );
  return links.find(({ address }) => address?.toLowerCase() === mac)?.ifname;
}

async function ip(words: readonly string[], signal: AbortSignal): Promise<string> {
  return (await run('ip', words, { signal, timeout: callTimeoutMs })).stdout;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
