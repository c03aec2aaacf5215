import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

/** How long the kernel may take to show a NIC that CloudStack has plugged in. Milliseconds. */
const appearanceMs = 60_000;
const lookMs = 200;
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
    const inside = await linkOf(mac, namespace, signal);
    if (inside !== undefined) {
      await ip(['-n', namespace, 'address', 'replace', `${address}/${prefix}`, 'dev', inside], signal);
      await ip(['-n', namespace, 'link', 'set', inside, 'up'], signal);
      return true;
    }
    const outside = await linkOf(mac, undefined, signal);
    try {
      if (outside !== undefined) await ip(['link', 'set', outside, 'netns', namespace], signal);
    } catch (error) {
      signal.throwIfAborted();
      // udev may give it another name in between.
      if (performance.now() >= deadline) throw error;
    }
    if (outside === undefined) {
      if (performance.now() >= deadline) return false;
      await setTimeout(lookMs, undefined, { signal });
    }
  }
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

async function linkOf(
  mac: string,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const where = namespace === undefined ? [] : ['-n', namespace];
  const links = Links.parse(JSON.parse((await ip([...where, '-json', 'link', 'show'], signal)) || '[]'));
  return links.find(({ address }) => address?.toLowerCase() === mac)?.ifname;
}

async function ip(words: readonly string[], signal: AbortSignal): Promise<string> {
  return (await run('ip', words, { signal, timeout: callTimeoutMs })).stdout;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
