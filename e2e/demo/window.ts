import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openSshGate } from './sshGate.ts';
import type { Stage } from './stage.ts';

const root = join(import.meta.dirname, '..', '..');

/** Whether a window can be shown here. */
export function hasDisplay(environment: NodeJS.ProcessEnv): boolean {
  if (process.platform !== 'linux') return true;
  return Boolean(environment.DISPLAY || environment.WAYLAND_DISPLAY);
}

/** Electron's program; it is fetched where npm has not done so. @throws Error where it cannot be had */
function electronProgram(): string {
  const program: unknown = createRequire(import.meta.url)('electron');
  if (typeof program === 'string') return program;
  throw new Error('The package electron names no program');
}

/** A console that knows the stage's agent; it may be opened again and again. */
export interface FurnishedConsole extends AsyncDisposable {
  /** Starts it. Its environment may be added to. */
  open(further: readonly string[], environment?: Readonly<Record<string, string>>): ChildProcess;
}

/**
 * Furnishes a console for the stage's agent. It finds an appliance that is trusted already; it has a folder of its own, so that the
 * user's profiles stay out of it, and needs no secret, so that the keychain does too.
 */
export async function furnishConsole(stage: Stage): Promise<FurnishedConsole> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ossea-demo-console-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const gate = undo.use(await openSshGate(folder));
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  const now = new Date().toISOString();
  const appliance = {
    id: randomUUID(),
    kind: 'appliance',
    name: 'demo appliance',
    createdAt: now,
    updatedAt: now,
    hasSecret: false,
    host: '127.0.0.1',
    port: gate.port,
    username: gate.username,
    authentication: { method: 'key-file', path: gate.keyFile },
    hostKey: gate.hostKey,
    // Only who may open this socket can come through the gate, which is what it asks for instead of a token.
    socketPath: stage.adminSocket,
  };
  await writeFile(
    join(data, 'profiles.json'),
    JSON.stringify({
      version: 1,
      profiles: [appliance],
      defaults: { appliance: appliance.id },
      leases: [],
    }),
  );
  await writeFile(join(data, 'settings.json'), JSON.stringify({ firstRunDone: true }));
  const owner = undo.move();
  return {
    open(further, environment) {
      // Chromium's own sandbox refuses root.
      const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
      return spawn(electronProgram(), [...asRoot, ...further, join(root, 'dist')], {
        env: { ...process.env, ...environment, OSSEA_CONSOLE_DATA: data, OSSEA_QUIT_WITHOUT_ASKING: '1' },
        stdio: ['ignore', 'ignore', 'ignore'],
      });
    },
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

/**
 * Opens the console on the stage's agent and waits until it is closed.
 * @param further arguments for Electron
 * @returns the console's exit code
 */
export async function showConsole(stage: Stage, further: readonly string[]): Promise<number> {
  await promisify(execFile)(process.execPath, [join(root, 'build', 'console', 'bundle.ts')]);
  await using furnished = await furnishConsole(stage);
  const child = furnished.open(further);
  const stop = () => child.kill();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const [code] = await once(child, 'exit');
  process.off('SIGINT', stop).off('SIGTERM', stop);
  return Number(code ?? 0);
}
