import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import type { BootCheck, BootCheckResult } from '../../contract/index.ts';

const run = promisify(execFile);

/** How long one attempt may take. Seconds. */
const attemptSeconds = 3;

/** One attempt at a check: whether it passed and what was seen; or that it cannot be tried. */
export type Attempt = Pick<BootCheckResult, 'outcome' | 'detail'>;

/** Tries a check once. @param address the VM's first one; undefined where CloudStack tells none */
export async function tryCheck(
  check: BootCheck,
  address: string | undefined,
  signal: AbortSignal,
): Promise<Attempt> {
  const host = check.host ?? address;
  if (host === undefined) {
    return {
      outcome: 'skipped',
      detail: 'CloudStack tells no address of the VM, and none was given for the check.',
    };
  }
  return check.kind === 'ping' ? ping(host, signal) : connectTo(host, check.port, signal);
}

/** With the system's program, as raw sockets need a privilege that the agent has no other use for. */
async function ping(host: string, signal: AbortSignal): Promise<Attempt> {
  try {
    // A host that begins with a dash would be taken for an option.
    await run('ping', ['-n', '-c', '1', '-W', String(attemptSeconds), '--', host], { signal });
    return { outcome: 'passed', detail: `${host} answers to ICMP echo.` };
  } catch (error) {
    signal.throwIfAborted();
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return missing
      ? { outcome: 'skipped', detail: 'The program ping is not installed on the appliance.' }
      : { outcome: 'failed', detail: `${host} does not answer to ICMP echo.` };
  }
}

function connectTo(host: string, port: number, signal: AbortSignal): Promise<Attempt> {
  const { promise, resolve, reject } = Promise.withResolvers<Attempt>();
  const socket = connect({ host, port });
  const end = (attempt: Attempt) => {
    socket.destroy();
    signal.removeEventListener('abort', onAbort);
    resolve(attempt);
  };
  const onAbort = () => {
    socket.destroy();
    reject(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  socket.setTimeout(attemptSeconds * 1000);
  socket.once('connect', () => end({ outcome: 'passed', detail: `${host} accepts TCP at port ${port}.` }));
  socket.once('timeout', () =>
    end({ outcome: 'failed', detail: `${host} does not answer at port ${port}.` }),
  );
  socket.once('error', (error: NodeJS.ErrnoException) =>
    end({
      outcome: 'failed',
      detail: `${host} refuses TCP at port ${port} (${error.code ?? error.message}).`,
    }),
  );
  return promise;
}
