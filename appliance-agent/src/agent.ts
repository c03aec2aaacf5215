import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { agentVersion } from './api/agentVersion.ts';
import { readHealth } from './api/health.ts';
import { createLogger } from './api/logger.ts';
import { AgentMetrics } from './api/metrics.ts';
import type { AuditLog, ReadModel, TokenStore } from './api/ports.ts';
import { buildServer, type Door } from './api/server.ts';
import type { ApiServices } from './api/services.ts';
import { listenOnSocket, takeOverSocket } from './api/sockets.ts';
import type { AgentConfig } from './config.ts';
import { OsseaError } from './contract/index.ts';
import { type Check, ok, runChecks } from './doctor/check.ts';
import { endpointChecks } from './doctor/endpointChecks.ts';
import { localChecks } from './doctor/localChecks.ts';
import { Leases } from './leases/leases.ts';
import type { SealedLeaseStore } from './leases/sealedLeaseStore.ts';
import { lockState } from './stateLock.ts';
import type { Engine } from './workflows/engine.ts';

/** The database, as the agent's parts see it. */
export interface AgentStore extends AsyncDisposable {
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  readonly read: ReadModel;
  readonly sealedLeases: SealedLeaseStore;
}

/** What the agent is made of, in the order in which it starts. */
export interface AgentParts<Store extends AgentStore> {
  openStore(config: AgentConfig, logger: Logger): Promise<Store>;
  createEngine(parts: { config: AgentConfig; store: Store; leases: Leases; logger: Logger }): Promise<Engine>;
}

/** A running agent: sockets open, workflows at work. */
export interface RunningAgent extends AsyncDisposable {
  /** `<run dir>/api.sock`: bearer token. */
  readonly apiSocket: string;
  /** `<run dir>/admin.sock`: file permission. */
  readonly adminSocket: string;
  readonly logger: Logger;
  /** Ends in order: no new requests, copies to a checkpoint, database last. Jobs go on at the next start. */
  stop(): Promise<void>;
}

const apiSocketMode = 0o660;
const adminSocketMode = 0o600;

/**
 * Starts store, leases, engine and sockets, in this order; what was started is released when a later part fails.
 * @throws OsseaError such as `database.unavailable`, `agent.already-running`, `config.invalid`.
 */
export async function startAgent<Store extends AgentStore>(
  config: AgentConfig,
  parts: AgentParts<Store>,
  output: NodeJS.WritableStream = process.stdout,
): Promise<RunningAgent> {
  const startedAt = new Date();
  let redact = (line: string) => line;
  const logger = createLogger({ level: config.logLevel, redact: (line) => redact(line), output });
  await using resources = new AsyncDisposableStack();

  await makeFolder(config.stateDir, 'OSSEA_STATE_DIR', 0o700);
  await makeFolder(config.runDir, 'OSSEA_RUN_DIR', 0o750);
  resources.use(await lockState(config.stateDir));
  // Before the database: an agent that runs already uses the same one, and must not lose it to our failed start.
  for (const door of ['admin', 'api'] satisfies Door[]) await takeOverSocket(socketPath(config, door));
  const store = resources.use(await parts.openStore(config, logger));
  const leases = resources.use(
    await Leases.open({ sealedLeases: store.sealedLeases, keyFile: join(config.stateDir, 'lease.key') }),
  );
  redact = (line) => leases.redact(line);
  const engine = resources.adopt(await parts.createEngine({ config, store, leases, logger }), (started) =>
    started.shutdown(),
  );
  const metrics = new AgentMetrics(store.read);
  resources.use(countEvents(engine, metrics, logger));

  const launched = Promise.withResolvers<void>();
  // Nobody may be waiting when the launch fails; the error reaches the starter.
  launched.promise.catch(() => undefined);
  let starting = true;
  const services: ApiServices = {
    engine,
    leases,
    tokens: store.tokens,
    audit: store.audit,
    read: store.read,
    version: agentVersion,
    ready: launched.promise,
    health: () => readHealth({ read: store.read, leases, version: agentVersion, startedAt, starting }),
    doctor: () => examine(config, { engine, leases, read: store.read }),
  };
  const listen = async (door: Door, mode: number): Promise<string> => {
    const path = socketPath(config, door);
    const app: FastifyInstance = await buildServer({ door, services, metrics, logger });
    resources.defer(() => app.close());
    await listenOnSocket(app, path, mode);
    return path;
  };
  const adminSocket = await listen('admin', adminSocketMode);
  const apiSocket = await listen('api', apiSocketMode);
  await engine.launch();
  starting = false;
  launched.resolve();
  logger.info({ apiSocket, adminSocket, milliseconds: Date.now() - startedAt.getTime() }, 'agent started');

  const owned = resources.move();
  const stop = once(async () => {
    logger.info('agent stopping');
    await owned.disposeAsync();
    logger.info('agent stopped');
  });
  return { apiSocket, adminSocket, logger, stop, [Symbol.asyncDispose]: stop };
}

function socketPath(config: AgentConfig, door: Door): string {
  return join(config.runDir, `${door}.sock`);
}

/** Makes a folder with exactly this mode; the umask would keep the group, and so every console, out of the run directory. */
async function makeFolder(path: string, variable: string, mode: number): Promise<void> {
  try {
    if ((await mkdir(path, { recursive: true })) !== undefined) await chmod(path, mode);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new OsseaError('config.invalid', `The folder ${path} cannot be made (${code}).`, {
      field: variable,
      value: path,
      remedy: `Make it, owned by the agent's user, or name another one with ${variable}.`,
      cause: error,
    });
  }
}

/** The function, at most once; later calls get the first one's promise. */
function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}

/** Feeds the counters of the metrics until it is disposed. */
function countEvents(engine: Engine, metrics: AgentMetrics, logger: Logger): AsyncDisposable {
  const stop = new AbortController();
  const counting = (async () => {
    try {
      for await (const { event } of engine.events(undefined, stop.signal)) metrics.observe(event);
    } catch (error) {
      if (!stop.signal.aborted) logger.error({ err: error }, 'metrics no longer follow the events');
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await counting;
    },
  };
}

async function examine(
  config: AgentConfig,
  { engine, leases, read }: { engine: Engine; leases: Leases; read: ReadModel },
) {
  const database: Check = {
    id: 'database',
    title: 'Database',
    run: async () => {
      const begun = performance.now();
      await read.ping();
      return ok(`answers in ${(performance.now() - begun).toFixed(1)} ms`);
    },
  };
  const [sources, targets] = await Promise.all([read.listSources(), read.listTargets()]);
  const report = await runChecks(agentVersion, [
    ...localChecks(config).map((check) => (check.id === database.id ? database : check)),
    ...endpointChecks({ probe: engine, leases, sources, targets }),
  ]);
  // Findings quote foreign servers, which may quote what was sent to them.
  const checks = report.checks.map((check) => ({ ...check, detail: leases.redact(check.detail) }));
  return { ...report, checks };
}

/** A stop that takes longer is cut off, milliseconds; every step is durable, so that nothing is lost. */
const stopDeadline = 30_000;

/**
 * Runs the agent until SIGTERM or `interrupted`. An error that nobody caught ends the process, because its state is unknown
 * then; the service manager starts it anew, and workflows go on where they stood.
 */
export async function runUntilStopped<Store extends AgentStore>(
  config: AgentConfig,
  parts: AgentParts<Store>,
  interrupted: AbortSignal,
): Promise<void> {
  process.umask(0o077);
  const fatal = Promise.withResolvers<never>();
  process.once('uncaughtException', (error) => fatal.reject(error));
  const terminated = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    if (interrupted.aborted) resolve();
    interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
  const agent = await Promise.race([startAgent(config, parts), fatal.promise]);
  try {
    await Promise.race([terminated, fatal.promise]);
  } catch (error) {
    agent.logger.fatal({ err: error }, 'agent failed');
    throw error;
  } finally {
    // The timer also keeps the process alive until everything is released: what is released may hold no handle of its own.
    const stopped = new AbortController();
    const late = pause(stopDeadline, undefined, { signal: stopped.signal }).catch(() => undefined);
    await Promise.race([agent.stop(), late]);
    stopped.abort();
  }
}
