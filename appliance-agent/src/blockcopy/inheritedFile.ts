import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';

/**
 * Runs a program on an open file, which it inherits, so that no path can lead it astray. True when it succeeded; false also where
 * it is not installed.
 *
 * @param argument how the file's name is given as the last argument. Default: as it is.
 */
export function runOn(
  handle: FileHandle,
  program: string,
  programArguments: readonly string[],
  argument: (file: string) => string = (file) => file,
): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, [...programArguments, argument('/proc/self/fd/3')], {
      stdio: ['ignore', 'ignore', 'ignore', handle.fd],
    });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
}
