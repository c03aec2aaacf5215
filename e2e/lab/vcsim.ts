import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** What vcsim prints when it is ready: its address and the files behind its disks. */
const Ready = z.object({
  url: z.url(),
  disks: z
    .array(
      z.object({
        VM: z.string(),
        MoRef: z.string(),
        Key: z.number(),
        Extent: z.string(),
        Capacity: z.number(),
      }),
    )
    .min(1),
});

const built = join(import.meta.dirname, '..', '..', '.cache', 'vcsim', 'vcsim');

/** The program, from `VCSIM` or where CI builds it; undefined where there is none. */
export const vcsimProgram = [process.env.VCSIM, built].find((path) => path !== undefined && existsSync(path));

/** A running vcsim: a vSphere server that is not ours. */
export interface Vcsim extends AsyncDisposable {
  /** `https://127.0.0.1:<port>/sdk`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly disks: z.infer<typeof Ready>['disks'];
}

/** Starts it with further arguments, such as `-vm 4`. @throws Error when it is not there or ends */
export async function startVcsim(...further: string[]): Promise<Vcsim> {
  if (vcsimProgram === undefined) throw new Error('VCSIM names no program');
  const account = ['-user', 'user', '-password', 'pass'];
  const child = spawn(vcsimProgram, ['-listen', '127.0.0.1:0', ...account, ...further], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([first]) => String(first)),
    exited.then(([code]) => Promise.reject(new Error(`vcsim ended with ${code}`))),
  ]);
  const { url, disks } = Ready.parse(JSON.parse(line));
  return {
    url: new URL('/sdk', url).href,
    username: 'user',
    password: 'pass',
    disks,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}
