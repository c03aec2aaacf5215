import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const password = 'of the lab';
const programs = [
  '/usr/bin/dbus-daemon',
  '/usr/bin/gdbus',
  '/usr/bin/gnome-keyring-daemon',
  '/usr/bin/secret-tool',
];

/** What is missing for a real Secret Service here; empty where all is there. */
export function missingForKeyring(): string[] {
  return programs.filter((program) => !existsSync(program));
}

/** A real Secret Service: a D-Bus session and a GNOME Keyring of its own, whose data goes away with it. */
export interface Keyring extends AsyncDisposable {
  /** The environment of programs that are to use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Locks it, as a screen lock may do; nobody is there to unlock it. What it keeps stays. */
  lock(): Promise<void>;
  /** Ends the bus, as on a machine without a desktop session. */
  stop(): Promise<void>;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
  }
  throw new Error(`${child.spawnfile} ended without a word`);
}

/** Starts bus and keyring; unlocked. @throws Error where dbus-daemon or gnome-keyring is missing */
export async function startKeyring(): Promise<Keyring> {
  const folder = await mkdtemp(join(tmpdir(), 'ossea-keyring-'));
  const data = join(folder, 'data');
  const runtime = join(folder, 'run');
  await mkdir(data, { mode: 0o700 });
  await mkdir(runtime, { mode: 0o700 });
  const base = { ...process.env, XDG_DATA_HOME: data, XDG_RUNTIME_DIR: runtime, DISPLAY: '' };

  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address=1'], {
    env: base,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const address = await firstLine(bus);
  const environment = { XDG_DATA_HOME: data, XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: address };

  const env = { ...base, ...environment };
  const daemon = spawn('gnome-keyring-daemon', ['--foreground', '--components=secrets', '--unlock'], {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  daemon.stdin?.end(password);
  await run('gdbus', ['wait', '--session', '--timeout', '10', 'org.freedesktop.secrets'], { env });

  return {
    environment,
    async lock() {
      const service = ['-d', 'org.freedesktop.secrets', '-o', '/org/freedesktop/secrets'];
      const method = [
        '-m',
        'org.freedesktop.Secret.Service.Lock',
        "['/org/freedesktop/secrets/collection/login']",
      ];
      await run('gdbus', ['call', '--session', ...service, ...method], { env });
    },
    async stop() {
      await end(daemon);
      await end(bus);
    },
    async [Symbol.asyncDispose]() {
      await end(daemon);
      await end(bus);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
