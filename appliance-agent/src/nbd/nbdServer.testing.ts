import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** A real NBD server on a Unix socket, for tests. */
export interface NbdTestServer extends AsyncDisposable {
  readonly socketPath: string;
  readonly uri: string;
  /** Kills it as a power cut would. */
  kill(): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Starts it again on the same socket. */
  restart(): Promise<void>;
}

/** nbdkit with these arguments after the socket's, such as `['pattern', 'size=1M']`. */
export function startNbdkit(...parameters: string[]): Promise<NbdTestServer> {
  return start('nbdkit', (socket, ready) => {
    return ['--exit-with-parent', '-U', socket, '-P', ready, ...parameters];
  });
}

/** qemu-nbd with these arguments. */
export function startQemuNbd(...parameters: string[]): Promise<NbdTestServer> {
  return start('qemu-nbd', (socket, ready) => ['-t', '-k', socket, '--pid-file', ready, ...parameters]);
}

/** A fresh folder that goes away with its owner. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ossea-test-'));
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** `parameters` gets the socket's path, and that of the file which appears when the server is ready. */
async function start(
  command: string,
  parameters: (socket: string, ready: string) => string[],
): Promise<NbdTestServer> {
  const folder = await temporaryFolder();
  const socketPath = path.join(folder.path, 'nbd.sock');
  const ready = path.join(folder.path, 'ready');
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'close');
  };
  const kill = () => end('SIGKILL');
  const restart = async () => {
    await kill();
    for (const file of [socketPath, ready]) await rm(file, { force: true });
    let log = '';
    const started = spawn(command, parameters(socketPath, ready), { stdio: ['ignore', 'ignore', 'pipe'] });
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    child = started;
    while (!existsSync(ready)) {
      if (started.exitCode !== null) throw new Error(`${command} did not start: ${log}`);
      await setTimeout(5);
    }
  };
  await restart();
  return {
    socketPath,
    uri: `nbd+unix:///?socket=${socketPath}`,
    kill,
    stop: () => end('SIGTERM'),
    restart,
    async [Symbol.asyncDispose]() {
      await kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** What nbdkit's pattern plugin holds: each 8 bytes are their own offset, big-endian. */
export function pattern(offset: number, length: number): Buffer {
  const first = offset - (offset % 8);
  const bytes = Buffer.alloc(Math.ceil((length + 16) / 8) * 8);
  for (let at = 0; at < bytes.length; at += 8) bytes.writeBigUInt64BE(BigInt(first + at), at);
  return bytes.subarray(offset - first, offset - first + length);
}
