import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { OsseaError } from '../contract/index.ts';

/** The longest path of a Unix socket on Linux: `sun_path` has 108 bytes with the closing zero, unix(7). */
const longestSocketPath = 107;

function errnoOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** True where a process accepts connections on the socket. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = errnoOf(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      // EAGAIN: the queue of a living listener is full.
      else if (code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

/**
 * Removes the socket file that a dead agent left.
 * @throws OsseaError `agent.already-running` when another agent answers on it; `config.invalid` when something else lies there.
 */
export async function takeOverSocket(path: string): Promise<void> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (!stats) return;
  if (!stats.isSocket()) {
    throw new OsseaError('config.invalid', `${path} is in the way: it is not a socket.`, {
      field: 'runDir',
      value: path,
      remedy: 'Remove it, or choose another run directory with OSSEA_RUN_DIR.',
    });
  }
  if (await isAlive(path)) {
    throw new OsseaError('agent.already-running', `Another agent answers on ${path}.`, {
      field: 'runDir',
      value: path,
      remedy: 'Stop it first, or give this one another OSSEA_RUN_DIR and OSSEA_STATE_DIR.',
    });
  }
  await unlink(path);
}

/**
 * Listens on a Unix socket in a folder that exists, with the given file mode. The process's umask must keep others out until the mode is set.
 * @throws OsseaError `agent.already-running`, `config.invalid`.
 */
export async function listenOnSocket(app: FastifyInstance, path: string, mode: number): Promise<void> {
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new OsseaError(
      'config.invalid',
      `The socket path ${path} is longer than ${longestSocketPath} bytes.`,
      {
        field: 'runDir',
        value: dirname(path),
        remedy: 'Choose a shorter run directory with OSSEA_RUN_DIR.',
      },
    );
  }
  await takeOverSocket(path);
  await app.listen({ path });
  await chmod(path, mode);
}
