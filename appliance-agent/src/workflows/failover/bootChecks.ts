import { execFile } from 'node:child_process';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { BootCheck, BootCheckResult } from '../../contract/index.ts';
import { connectTo } from './tcpConnect.ts';
import { within } from './testNamespace.ts';

const run = promisify(execFile);

/** How long one attempt may take. Seconds. */
const attemptSeconds = 3;
/** How long a program may take that makes the attempt, with its start on a busy machine. Milliseconds. */
const programTimeoutMs = 30_000;

/** As this file runs: as it is, or built. */
const tcpProbe = join(import.meta.dirname, `tcpProbe${extname(import.meta.filename)}`);
const TcpAnswer = z.object({ outcome: z.enum(['passed', 'failed']), detail: z.string() });

/** One attempt at a check: whether it passed and what was seen; or that it cannot be tried. */
export type Attempt = Pick<BootCheckResult, 'outcome' | 'detail'>;

/**
 * Tries a check once.
 * @param address the VM's first one; undefined where CloudStack tells none
 * @param namespace the network namespace that it is tried from; undefined: the agent's own
 */
export async function tryCheck(
  check: BootCheck,
  address: string | undefined,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Attempt> {
  const host = check.host ?? address;
  if (host === undefined) {
    return {
      outcome: 'skipped',
      detail: 'CloudStack tells no address of the VM, and none was given for the check.',
    };
  }
  if (check.kind === 'ping') return ping(host, namespace, signal);
  return namespace === undefined
    ? connectTo(host, check.port, attemptSeconds, signal)
    : connectWithin(namespace, host, check.port, signal);
}

/** With the system's program, as raw sockets need a privilege that the agent has no other use for. */
async function ping(host: string, namespace: string | undefined, signal: AbortSignal): Promise<Attempt> {
  const where = namespace === undefined ? [] : within(namespace);
  // A host that begins with a dash would be taken for an option.
  const words = ['ping', '-n', '-c', '1', '-W', String(attemptSeconds), '--', host];
  const [program = '', ...rest] = [...where, ...words];
  try {
    await run(program, rest, { signal, timeout: programTimeoutMs });
    return { outcome: 'passed', detail: `${host} answers to ICMP echo.` };
  } catch (error) {
    signal.throwIfAborted();
    // nsenter ends as a shell does where there is no such program.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' || code === 127
      ? { outcome: 'skipped', detail: 'The program ping is not installed on the appliance.' }
      : { outcome: 'failed', detail: `${host} does not answer to ICMP echo.` };
  }
}

/** By a process of its own, as a thread of the agent's cannot be in another namespace. */
async function connectWithin(
  namespace: string,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<Attempt> {
  const words = [process.execPath, tcpProbe, host, String(port), String(attemptSeconds)];
  const [program = '', ...rest] = [...within(namespace), ...words];
  try {
    const { stdout } = await run(program, rest, {
      signal,
      timeout: programTimeoutMs,
      env: { PATH: process.env.PATH },
    });
    return TcpAnswer.parse(JSON.parse(stdout));
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'failed', detail: `${host} could not be tried at port ${port}: ${String(error)}` };
  }
}
