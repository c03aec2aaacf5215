import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { OsseaError } from './contract/index.ts';

/** What flock(1) is told to exit with where somebody else has the lock. */
const conflict = 75;

/**
 * Takes the state directory for this process alone, until the lock is disposed of or the process ends, however it does. Sockets do not tell of
 * an agent that is about to start, or that was given another run directory; two that share journals and jobs would write the same volumes.
 * @throws OsseaError `agent.already-running`, `config.invalid`
 */
export async function lockState(stateDir: string): Promise<AsyncDisposable> {
  const file = await open(join(stateDir, 'agent.lock'), 'a', 0o600);
  // Appliances run Linux. Elsewhere, where the demo may run, there need not be a flock(1).
  if (process.platform !== 'linux') return file;
  try {
    await lock(file, stateDir);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Node has no flock(2). The lock is of the open file, which flock(1) inherits, so it stays when that has ended. */
async function lock(file: FileHandle, stateDir: string): Promise<void> {
  const options = ['--nonblock', '--conflict-exit-code', String(conflict), '3'];
  const child = spawn('flock', options, { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
  let code: unknown;
  try {
    [code] = await once(child, 'close');
  } catch (error) {
    throw cannotLock(stateDir, String(error), error);
  }
  if (code === conflict) {
    throw new OsseaError('agent.already-running', `Another agent works with ${stateDir}.`, {
      field: 'stateDir',
      value: stateDir,
      remedy: 'Stop it first, or give this one another OSSEA_RUN_DIR and OSSEA_STATE_DIR.',
    });
  }
  if (code !== 0) throw cannotLock(stateDir, `flock ended with ${code}`);
}

function cannotLock(stateDir: string, reason: string, cause?: unknown): OsseaError {
  return new OsseaError('config.invalid', `The folder ${stateDir} cannot be locked (${reason}).`, {
    field: 'OSSEA_STATE_DIR',
    value: stateDir,
    remedy:
      'Put it on a file system of the appliance itself, and see that flock(1) of util-linux is installed.',
    cause,
  });
}
