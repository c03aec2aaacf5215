import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

const program = '/usr/bin/Xvfb';

/** What is missing for a display of our own; undefined where nothing is. */
export const displayMissing = existsSync(program) ? undefined : 'Xvfb (Debian’s package xvfb)';

/** A display that nobody sees. */
export interface Display extends AsyncDisposable {
  /** Such as `:99`. */
  readonly name: string;
}

/** Starts a display with a free number. @throws Error where Xvfb ends at once */
export async function startDisplay(width = 1440, height = 900): Promise<Display> {
  // Xvfb writes the number that it found free to the descriptor.
  const child = spawn(
    program,
    ['-displayfd', '3', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp'],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    },
  );
  const exited = once(child, 'exit');
  const pipe = child.stdio[3];
  if (!pipe) throw new Error('Xvfb was started without a pipe');
  const number = await Promise.race([
    once(pipe, 'data').then(([chunk]) => String(chunk).trim()),
    exited.then(([code]) => Promise.reject(new Error(`Xvfb ended with ${code}`))),
  ]);
  return {
    name: `:${number}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}
